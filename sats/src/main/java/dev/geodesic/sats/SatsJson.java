package dev.geodesic.sats;

import dev.geodesic.sats.JsonValue.JsonArray;
import dev.geodesic.sats.JsonValue.JsonBool;
import dev.geodesic.sats.JsonValue.JsonNull;
import dev.geodesic.sats.JsonValue.JsonNumber;
import dev.geodesic.sats.JsonValue.JsonObject;
import dev.geodesic.sats.JsonValue.JsonString;
import dev.geodesic.sats.JsonValue.Member;
import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Values between BSATN and SATS-JSON (spec/bsatn.md 6.1 and 6.2). Types must be free of references and within the limits
 * of {@link TypeResolver}.
 */
public final class SatsJson {

    /** How products and sums are written. */
    public enum Flavor {
        /** Names are known: {@code {"x":1}}, {@code {"some":3}}, unit {@code []}. Schema documents, envelopes. */
        TYPED,
        /** By position: {@code [1]}, {@code [0,3]}, unit {@code []}. SQL rows, procedure results, deltas, views. */
        UNTYPED,
        /**
         * Rows of stored tables on the JSON WebSocket: products by name, sums {@code [tag,payload]}, unit <code>{}</code>,
         * elements of arrays untyped.
         */
        STORED
    }

    /** Elements up to which a search by name needs no table. */
    private static final int LINEAR_SEARCH_MAX = 16;
    private static final int VARIANT_TAG_DIGITS_MAX = 3;
    private static final int U128_DIGITS_MAX = 39;
    /** Characters of an integer, sign included, that always fit a long. */
    private static final int LONG_DIGITS_SAFE = 18;
    private static final int MESSAGE_TEXT_MAX = 60;
    private static final String HEX_EXPECTED = "string of \"0x\" and up to 64 hex digits";

    private SatsJson() {
    }

    /**
     * Writes one value, checking it on the way.
     *
     * @throws BsatnException if the bytes are no value of the type, or TOO_LARGE from the writer; it then holds a part
     */
    public static void write(AlgebraicType type, BsatnReader value, JsonWriter out, Flavor flavor) {
        switch (type) {
            case PrimitiveType p -> writePrimitive(p, value, out);
            case ProductType product -> writeProduct(product, value, out, flavor);
            case SumType sum -> {
                int tag = Bsatn.readTag(value, sum);
                SumVariant variant = sum.variants().get(tag);
                if (flavor == Flavor.TYPED && variant.name().isPresent()) {
                    out.beginObject().key(variant.name().get());
                    write(variant.type(), value, out, flavor);
                    out.endObject();
                } else {
                    out.beginArray().number(tag);
                    write(variant.type(), value, out, flavor);
                    out.endArray();
                }
            }
            case ArrayType array -> {
                if (array.element() == PrimitiveType.U8) {
                    int from = value.skipBytes();
                    out.hexString(value.buffer(), from, value.position() - from);
                } else {
                    Flavor inner = flavor == Flavor.STORED ? Flavor.UNTYPED : flavor;
                    out.beginArray();
                    int count = value.readCount(0);
                    for (int i = 0; i < count; i++) {
                        write(array.element(), value, out, inner);
                    }
                    out.endArray();
                }
            }
            case AlgebraicType.Ref ref -> throw Bsatn.unresolved(ref);
        }
    }

    /** Text of one encoded value. */
    public static String toString(AlgebraicType type, byte[] value, Flavor flavor) {
        JsonWriter out = new JsonWriter();
        write(type, new BsatnReader(value), out, flavor);
        return out.toString();
    }

    private static void writeProduct(ProductType product, BsatnReader value, JsonWriter out, Flavor flavor) {
        List<ProductElement> elements = product.elements();
        // An object needs a name for each element; without, position is all there is to say.
        boolean named = flavor != Flavor.UNTYPED && allNamed(elements);
        if (elements.isEmpty() ? flavor == Flavor.STORED : named) {
            out.beginObject();
            for (int i = 0; i < elements.size(); i++) {
                out.key(elements.get(i).name().get());
                write(elements.get(i).type(), value, out, flavor);
            }
            out.endObject();
        } else {
            out.beginArray();
            for (int i = 0; i < elements.size(); i++) {
                write(elements.get(i).type(), value, out, flavor);
            }
            out.endArray();
        }
    }

    private static boolean allNamed(List<ProductElement> elements) {
        for (int i = 0; i < elements.size(); i++) {
            if (elements.get(i).name().isEmpty()) {
                return false;
            }
        }
        return true;
    }

    private static void writePrimitive(PrimitiveType p, BsatnReader value, JsonWriter out) {
        switch (p) {
            case STRING -> {
                int from = value.skipString();
                out.string(value.buffer(), from, value.position() - from);
            }
            case BOOL -> out.bool(value.readBool());
            case I8 -> out.number((byte) value.readU8());
            case U8 -> out.number(value.readU8());
            case I16 -> out.number((short) value.readU16());
            case U16 -> out.number(value.readU16());
            case I32 -> out.number(value.readU32());
            case U32 -> out.number(Integer.toUnsignedLong(value.readU32()));
            case I64 -> out.number(value.readU64());
            case U64 -> out.unsigned(value.readU64());
            case I128, U128 -> write128(value.readU64(), value.readU64(), p == PrimitiveType.I128, out);
            case I256, U256 -> out.raw(hex256(value, p == PrimitiveType.I256));
            case F32 -> out.number(value.readF32());
            case F64 -> out.number(value.readF64());
        }
    }

    private static void write128(long low, long high, boolean signed, JsonWriter out) {
        if (high == 0) {
            out.unsigned(low);
        } else if (signed && high == -1 && low < 0) {
            out.number(low);
        } else {
            byte[] bytes = new byte[16];
            LittleEndian.putLong(bytes, 0, low);
            LittleEndian.putLong(bytes, 8, high);
            out.raw(Integers.fromLittleEndian(bytes, 0, 16, signed).toString());
        }
    }

    /** The quoted text of a 256-bit number. */
    private static String hex256(BsatnReader value, boolean signed) {
        Identity words = value.readIdentity();
        boolean negative = signed && words.w3() < 0;
        if (!negative) {
            return quoteHex("\"0x", words.toHex());
        }
        BigInteger magnitude = Integers.fromLittleEndian(words.toLittleEndian(), 0, Identity.BYTE_COUNT, true).negate();
        return quoteHex("\"-0x", magnitude.toString(16));
    }

    private static String quoteHex(String prefix, String digits) {
        int from = 0;
        while (from < digits.length() - 1 && digits.charAt(from) == '0') {
            from++;
        }
        return prefix + digits.substring(from) + '"';
    }

    /**
     * Encodes JSON text as a value of the type.
     *
     * @throws BsatnException BAD_JSON or a limit of {@link Json}; the writer then holds a part
     */
    public static void read(AlgebraicType type, byte[] json, BsatnWriter out) {
        read(type, Json.parse(json), out);
    }

    /** As {@link #read(AlgebraicType, byte[], BsatnWriter)}, of a parsed value. */
    public static void read(AlgebraicType type, JsonValue json, BsatnWriter out) {
        switch (type) {
            case PrimitiveType p -> readPrimitive(p, json, out);
            case ProductType product -> readProduct(product, json, out);
            case SumType sum -> readSum(sum, json, out);
            case ArrayType array -> readArray(array.element(), json, out);
            case AlgebraicType.Ref ref -> throw Bsatn.unresolved(ref);
        }
    }

    private static BsatnException unexpected(JsonValue json, String expected) {
        String found = switch (json) {
            case JsonNumber n -> "number " + shortened(n.text());
            case JsonString s -> "string \"" + shortened(s.value()) + '"';
            default -> json.kind();
        };
        return BsatnException.badJson("invalid value: " + found + ", expected " + expected);
    }

    /** Text from outside, short enough for a message. */
    private static String shortened(String text) {
        return text.length() <= MESSAGE_TEXT_MAX ? text : text.substring(0, MESSAGE_TEXT_MAX) + "...";
    }

    private static void readProduct(ProductType product, JsonValue json, BsatnWriter out) {
        List<ProductElement> elements = product.elements();
        switch (json) {
            case JsonArray array -> {
                if (array.items().size() != elements.size()) {
                    throw BsatnException.badJson("invalid length " + array.items().size() + ", expected product with "
                            + elements.size() + " elements");
                }
                for (int i = 0; i < elements.size(); i++) {
                    readItem(elements.get(i).type(), array, i, out);
                }
            }
            case JsonObject object -> {
                JsonValue[] values = new JsonValue[elements.size()];
                Map<String, Integer> index = elements.size() > LINEAR_SEARCH_MAX ? index(elements) : Map.of();
                for (int m = 0; m < object.members().size(); m++) {
                    Member member = object.members().get(m);
                    int i = elements.size() > LINEAR_SEARCH_MAX
                            ? index.getOrDefault(member.name(), -1)
                            : indexOf(elements, member.name(), m);
                    if (i < 0) {
                        throw BsatnException.badJson("unknown field `" + shortened(member.name()) + "`");
                    }
                    if (values[i] != null) {
                        throw BsatnException.badJson("duplicate field `" + member.name() + "`");
                    }
                    values[i] = member.value();
                }
                for (int i = 0; i < values.length; i++) {
                    if (values[i] == null) {
                        throw BsatnException.badJson(
                                "missing field `" + shortened(elements.get(i).name().orElse(Integer.toString(i))) + "`");
                    }
                    readMember(elements.get(i).type(), elements.get(i).name().orElse(""), values[i], out);
                }
            }
            default -> throw unexpected(json, "product of " + elements.size() + " elements");
        }
    }

    private static Map<String, Integer> index(List<ProductElement> elements) {
        Map<String, Integer> index = new HashMap<>();
        for (int i = 0; i < elements.size(); i++) {
            if (elements.get(i).name().isPresent()) {
                index.putIfAbsent(elements.get(i).name().get(), i);
            }
        }
        return index;
    }

    /** Members usually come in the order of the elements, so the search begins at {@code likely}. */
    private static int indexOf(List<ProductElement> elements, String name, int likely) {
        if (likely < elements.size() && isNamed(elements.get(likely).name(), name)) {
            return likely;
        }
        for (int i = 0; i < elements.size(); i++) {
            if (isNamed(elements.get(i).name(), name)) {
                return i;
            }
        }
        return -1;
    }

    private static boolean isNamed(Optional<String> name, String text) {
        return name.isPresent() && name.get().equals(text);
    }

    private static void readSum(SumType sum, JsonValue json, BsatnWriter out) {
        switch (json) {
            case JsonObject object when object.members().size() == 1 -> {
                Member member = object.members().getFirst();
                int tag = findVariant(sum, member.name());
                out.writeU8(tag);
                readMember(sum.variants().get(tag).type(), member.name(), member.value(), out);
            }
            case JsonArray array when array.items().size() == 2 -> {
                int tag = switch (array.items().getFirst()) {
                    case JsonNumber n when n.isInteger() -> tag(sum, n.text());
                    case JsonString s -> findVariant(sum, s.value());
                    default -> throw unexpected(array.items().getFirst(), "tag or name of a variant");
                };
                out.writeU8(tag);
                readItem(sum.variants().get(tag).type(), array, 1, out);
            }
            case JsonNull n when SpecialTypes.isOption(sum) -> out.writeU8(SpecialTypes.NONE_TAG);
            default -> throw unexpected(json, "sum type: object with one variant, or [tag, payload]");
        }
    }

    private static void readItem(AlgebraicType type, JsonArray array, int i, BsatnWriter out) {
        try {
            read(type, array.items().get(i), out);
        } catch (BsatnException e) {
            throw e.within("[" + i + "]");
        }
    }

    private static void readMember(AlgebraicType type, String name, JsonValue value, BsatnWriter out) {
        try {
            read(type, value, out);
        } catch (BsatnException e) {
            throw e.within("." + shortened(name));
        }
    }

    /** By name, or by tag written in decimal digits. */
    private static int findVariant(SumType sum, String text) {
        List<SumVariant> variants = sum.variants();
        for (int i = 0; i < variants.size(); i++) {
            if (isNamed(variants.get(i).name(), text)) {
                return i;
            }
        }
        return tag(sum, text);
    }

    private static int tag(SumType sum, String digits) {
        if (!digits.isEmpty()
                && digits.length() <= VARIANT_TAG_DIGITS_MAX
                && digits.chars().allMatch(c -> c >= '0' && c <= '9')
                && Integer.parseInt(digits) < sum.variants().size()) {
            return Integer.parseInt(digits);
        }
        throw BsatnException.badJson("unknown variant `" + shortened(digits) + "`");
    }

    private static void readArray(AlgebraicType element, JsonValue json, BsatnWriter out) {
        if (json instanceof JsonString s && element == PrimitiveType.U8) {
            readHexBytes(s, out);
            return;
        }
        if (!(json instanceof JsonArray array)) {
            throw unexpected(json, element == PrimitiveType.U8 ? "hex string or array of numbers" : "array");
        }
        out.writeU32(array.items().size());
        for (int i = 0; i < array.items().size(); i++) {
            readItem(element, array, i, out);
        }
    }

    private static void readHexBytes(JsonString json, BsatnWriter out) {
        String hex = json.value();
        if (hex.length() % 2 != 0) {
            throw unexpected(json, "hex string of even length");
        }
        int count = hex.length() / 2;
        out.writeU32(count);
        out.ensure(count);
        for (int i = 0; i < count; i++) {
            int high = HexDigits.value(hex.charAt(2 * i));
            int low = HexDigits.value(hex.charAt(2 * i + 1));
            if (high < 0 || low < 0) {
                throw unexpected(json, "hex string");
            }
            out.writeU8(high << 4 | low);
        }
    }

    private static void readPrimitive(PrimitiveType p, JsonValue json, BsatnWriter out) {
        switch (p) {
            case STRING -> {
                if (!(json instanceof JsonString s)) {
                    throw unexpected(json, "string");
                }
                out.writeString(s.value());
            }
            case BOOL -> {
                if (!(json instanceof JsonBool b)) {
                    throw unexpected(json, "boolean");
                }
                out.writeBool(b.value());
            }
            case F32, F64 -> {
                if (!(json instanceof JsonNumber n)) {
                    throw unexpected(json, "number");
                }
                double v = Double.parseDouble(n.text());
                if (Double.isInfinite(v)) {
                    throw unexpected(json, "number in range of a double");
                }
                if (p == PrimitiveType.F32) {
                    out.writeF32((float) v);
                } else {
                    out.writeF64(v);
                }
            }
            case I256, U256 -> read256(p, json, out);
            default -> readInteger(p, json, out);
        }
    }

    private static void readInteger(PrimitiveType p, JsonValue json, BsatnWriter out) {
        if (!(json instanceof JsonNumber n) || !n.isInteger() || n.text().length() > U128_DIGITS_MAX + 1) {
            throw unexpected(json, TypeJson.name(p));
        }
        if (n.text().length() <= LONG_DIGITS_SAFE && p.byteSize() <= Long.BYTES) {
            writeLong(p, Long.parseLong(n.text()), n, out);
            return;
        }
        BigInteger v = new BigInteger(n.text());
        if (!Integers.fits(v, p) || p == PrimitiveType.U128 && n.text().startsWith("-")) {
            throw unexpected(json, TypeJson.name(p));
        }
        Integers.write(v, p.byteSize(), out);
    }

    private static void writeLong(PrimitiveType p, long v, JsonNumber json, BsatnWriter out) {
        int bits = p.byteSize() * 8;
        long min = p.isSignedInteger() ? -1L << bits - 1 : 0;
        long max = bits == Long.SIZE ? Long.MAX_VALUE : (p.isSignedInteger() ? 1L << bits - 1 : 1L << bits) - 1;
        // "-0" is a floating-point number to the readers that clients are tested with.
        if (v < min || v > max || v == 0 && json.text().startsWith("-")) {
            throw unexpected(json, TypeJson.name(p));
        }
        switch (p.byteSize()) {
            case 1 -> out.writeU8((int) v);
            case 2 -> out.writeU16((int) v);
            case 4 -> out.writeU32((int) v);
            default -> out.writeU64(v);
        }
    }

    private static void read256(PrimitiveType p, JsonValue json, BsatnWriter out) {
        if (!(json instanceof JsonString s)) {
            throw unexpected(json, HEX_EXPECTED);
        }
        boolean negative = p == PrimitiveType.I256 && s.value().startsWith("-");
        String text = negative ? s.value().substring(1) : s.value();
        if (!text.startsWith("0x") || text.length() < 3 || !text.chars().skip(2).allMatch(c -> HexDigits.value(c) >= 0)) {
            throw unexpected(json, HEX_EXPECTED);
        }
        int from = 2;
        while (from < text.length() - 1 && text.charAt(from) == '0') {
            from++;
        }
        if (text.length() - from > 64) {
            throw unexpected(json, HEX_EXPECTED);
        }
        BigInteger magnitude = new BigInteger(text.substring(from), 16);
        BigInteger v = negative ? magnitude.negate() : magnitude;
        if (!Integers.fits(v, p)) {
            throw unexpected(json, TypeJson.name(p));
        }
        Integers.write(v, p.byteSize(), out);
    }
}
