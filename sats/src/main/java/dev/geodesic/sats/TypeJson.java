package dev.geodesic.sats;

import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonNull;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.JsonValue.Member;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Types as JSON, as in schema documents and SQL answers (spec/bsatn.md 6.3). */
public final class TypeJson {

    private static final int VARIANTS_MAX = 256;
    private static final String[] PRIMITIVE_NAMES = {
        "String", "Bool", "I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64", "I128", "U128", "I256", "U256", "F32", "F64"
    };

    private int nodes;

    private TypeJson() {
    }

    /** Name of a primitive type as it is written: {@code String}, {@code U8}. */
    public static String name(PrimitiveType p) {
        return PRIMITIVE_NAMES[p.ordinal()];
    }

    public static void write(AlgebraicType type, JsonWriter out) {
        out.beginObject();
        switch (type) {
            case AlgebraicType.Ref ref -> out.key("Ref").number(Integer.toUnsignedLong(ref.index()));
            case PrimitiveType p -> out.key(name(p)).beginArray().endArray();
            case ArrayType array -> {
                out.key("Array");
                write(array.element(), out);
            }
            case ProductType product -> {
                out.key("Product");
                writeProduct(product, out);
            }
            case SumType sum -> {
                out.key("Sum").beginObject().key("variants").beginArray();
                for (SumVariant variant : sum.variants()) {
                    writePart(variant.name(), variant.type(), out);
                }
                out.endArray().endObject();
            }
        }
        out.endObject();
    }

    /** A product alone, as the {@code schema} of SQL answers and the parameters of functions: {@code {"elements":[...]}}. */
    public static void writeProduct(ProductType product, JsonWriter out) {
        out.beginObject().key("elements").beginArray();
        for (ProductElement element : product.elements()) {
            writePart(element.name(), element.type(), out);
        }
        out.endArray().endObject();
    }

    /** {@code {"types":[...]}}. */
    public static void write(Typespace typespace, JsonWriter out) {
        out.beginObject().key("types").beginArray();
        for (AlgebraicType type : typespace.types()) {
            write(type, out);
        }
        out.endArray().endObject();
    }

    /** An option of text: {@code {"some":"a"}} or {@code {"none":[]}}. */
    public static void writeName(Optional<String> name, JsonWriter out) {
        out.beginObject();
        if (name.isPresent()) {
            out.key("some").string(name.get());
        } else {
            out.key("none").beginArray().endArray();
        }
        out.endObject();
    }

    private static void writePart(Optional<String> name, AlgebraicType type, JsonWriter out) {
        out.beginObject().key("name");
        writeName(name, out);
        out.key("algebraic_type");
        write(type, out);
        out.endObject();
    }

    /**
     * Reads a type; references are left as they are.
     *
     * @throws BsatnException BAD_JSON, TOO_DEEP or TOO_LARGE, with the limits of {@link TypeCodec#read}
     */
    public static AlgebraicType read(JsonValue json) {
        return new TypeJson().readType(json, 1);
    }

    public static Typespace readTypespace(JsonValue json) {
        List<AlgebraicType> types = new ArrayList<>();
        for (JsonValue type : array(field(json, "types"))) {
            types.add(read(type));
        }
        return new Typespace(types);
    }

    private AlgebraicType readType(JsonValue json, int depth) {
        AlgebraicType.checkDepth(depth);
        AlgebraicType.checkNodes(++nodes);
        if (!(json instanceof JsonObject object) || object.members().size() != 1) {
            throw BsatnException.badJson("expected a type: an object with one key");
        }
        Member member = object.members().getFirst();
        return switch (member.name()) {
            case "Ref" -> new AlgebraicType.Ref(index(member.value()));
            case "Array" -> new ArrayType(readType(member.value(), depth + 1));
            case "Product" -> {
                List<ProductElement> elements = new ArrayList<>();
                for (JsonValue part : array(field(member.value(), "elements"))) {
                    elements.add(new ProductElement(
                            readName(field(part, "name")), readType(field(part, "algebraic_type"), depth + 1)));
                }
                yield new ProductType(elements);
            }
            case "Sum" -> {
                List<SumVariant> variants = new ArrayList<>();
                for (JsonValue part : array(field(member.value(), "variants"))) {
                    variants.add(new SumVariant(
                            readName(field(part, "name")), readType(field(part, "algebraic_type"), depth + 1)));
                }
                if (variants.size() > VARIANTS_MAX) {
                    throw new BsatnException(
                            BsatnException.Code.TOO_LARGE, "sum type has more than " + VARIANTS_MAX + " variants");
                }
                yield new SumType(variants);
            }
            default -> readPrimitive(member);
        };
    }

    private static PrimitiveType readPrimitive(Member member) {
        for (PrimitiveType p : PrimitiveType.values()) {
            if (name(p).equals(member.name())) {
                requireUnit(member.value());
                return p;
            }
        }
        throw BsatnException.badJson("unknown type `" + member.name() + "`");
    }

    private static void requireUnit(JsonValue json) {
        if (!json.equals(JsonArray.EMPTY) && !json.equals(JsonObject.EMPTY)) {
            throw BsatnException.badJson("expected `[]`, found " + json.kind());
        }
    }

    private static Optional<String> readName(JsonValue json) {
        if (json instanceof JsonNull) {
            return Optional.empty();
        }
        if (json instanceof JsonObject object && object.members().size() == 1) {
            Member member = object.members().getFirst();
            if (member.name().equals("some") && member.value() instanceof JsonString s) {
                return Optional.of(s.value());
            }
            if (member.name().equals("none")) {
                requireUnit(member.value());
                return Optional.empty();
            }
        }
        throw BsatnException.badJson("expected {\"some\":name} or {\"none\":[]}");
    }

    private static int index(JsonValue json) {
        if (json instanceof JsonNumber n && n.isInteger() && n.text().length() <= 10) {
            long v = Long.parseLong(n.text());
            if (v >= 0 && v <= 0xffff_ffffL) {
                return (int) v;
            }
        }
        throw BsatnException.badJson("expected the index of a type");
    }

    private static JsonValue field(JsonValue json, String name) {
        if (!(json instanceof JsonObject object)) {
            throw BsatnException.badJson("expected an object with `" + name + "`, found " + json.kind());
        }
        return object.get(name).orElseThrow(() -> BsatnException.badJson("missing field `" + name + "`"));
    }

    private static List<JsonValue> array(JsonValue json) {
        if (!(json instanceof JsonArray array)) {
            throw BsatnException.badJson("expected an array, found " + json.kind());
        }
        return array.items();
    }
}
