package dev.geodesic.engine.schema;

import dev.geodesic.engine.schema.RawModuleDef.NamedType;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.SumVariant;
import dev.geodesic.sats.TypeResolver;
import dev.geodesic.sats.Typespace;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The rules of spec/module-def.md 6.2, and the typespace with canonical names. */
final class TypeValidator {

    /**
     * Size of all resolved types of a definition. References repeat what they point to, so a small definition may
     * resolve to a huge one, and every part becomes bytes in the catalogue.
     */
    private static final long RESOLVED_SIZE_MAX = 32_000_000;

    private final RawModuleDef raw;
    private final ValidationErrors errors;
    private final List<AlgebraicType> types;
    private final Typespace typespace;
    private final TypeResolver resolver;
    private final BitSet named = new BitSet();
    private long resolvedSize;

    TypeValidator(RawModuleDef raw, ValidationErrors errors) {
        this.raw = raw;
        this.errors = errors;
        this.types = raw.typespace().types();
        this.typespace = raw.naming() == CaseConversion.NONE
                ? raw.typespace()
                : new Typespace(types.stream().map(this::canonical).toList());
        this.resolver = typespace.resolver();
        for (NamedType type : raw.types()) {
            if (isInRange(type.ref())) {
                named.set(type.ref());
            }
        }
    }

    /** The typespace with canonical names of fields and variants. */
    Typespace typespace() {
        return typespace;
    }

    private AlgebraicType canonical(AlgebraicType type) {
        if (SpecialTypes.isSpecial(type)) {
            return type;
        }
        return switch (type) {
            case PrimitiveType p -> p;
            case AlgebraicType.Ref ref -> ref;
            case ArrayType array -> SpecialTypes.isBytes(array) ? array : new ArrayType(canonical(array.element()));
            case ProductType product -> new ProductType(product.elements().stream()
                    .map(e -> new ProductElement(e.name().map(raw.naming()::snake), canonical(e.type())))
                    .toList());
            case SumType sum -> new SumType(sum.variants().stream()
                    .map(v -> new SumVariant(v.name().map(raw.naming()::camel), canonical(v.type())))
                    .toList());
        };
    }

    /** Checks the named types and every row type. */
    List<TypeDef> validate() {
        Set<String> seen = new HashSet<>();
        List<TypeDef> defs = raw.types().stream().map(this::canonical).toList();
        for (TypeDef def : defs) {
            def.scope().forEach(errors::checkIdentifier);
            errors.checkIdentifier(def.name());
            String name = def.scope().isEmpty() ? def.name() : String.join("::", def.scope()) + "::" + def.name();
            if (!seen.add(name)) {
                errors.add("name `" + name + "` is used for multiple types");
            }
            if (!isInRange(def.ref())) {
                errors.add("Type " + name + " has invalid ref: " + Integer.toUnsignedString(def.ref()));
            } else if (!def.customOrdering() && !isSorted(types.get(def.ref()))) {
                errors.add("type `" + name + "` is not annotated with a custom ordering, but uses one: "
                        + TypeSize.text(types.get(def.ref())));
            }
        }
        BitSet defined = (BitSet) named.clone();
        raw.tables().stream().map(RawModuleDef.Table::productTypeRef).filter(this::isInRange).forEach(defined::set);
        defined.stream().forEach(this::checkDefinition);
        return defs;
    }

    private TypeDef canonical(NamedType type) {
        return new TypeDef(
                type.scope().stream().map(raw.naming()::pascal).toList(), raw.naming().pascal(type.name()), type.ref(),
                type.customOrdering());
    }

    private boolean isInRange(int ref) {
        return ref >= 0 && ref < types.size();
    }

    private static boolean isSorted(AlgebraicType type) {
        List<Optional<String>> names = switch (type) {
            case ProductType p -> p.elements().stream().map(ProductElement::name).toList();
            case SumType s -> s.variants().stream().map(SumVariant::name).toList();
            default -> List.of();
        };
        for (int i = 1; i < names.size(); i++) {
            Optional<String> before = names.get(i - 1);
            if (before.isPresent() && (names.get(i).isEmpty() || Names.ORDER.compare(before.get(), names.get(i).get()) > 0)) {
                return false;
            }
        }
        return true;
    }

    /** A product or sum that has its own entry in the typespace. */
    private void checkDefinition(int index) {
        String location = "typespace ref `&" + index + "`";
        AlgebraicType type = types.get(index);
        if (SpecialTypes.isSpecial(type)) {
            checkUse(type, location);
            return;
        }
        switch (type) {
            case ProductType product -> product.elements().forEach(e -> checkElement(e.name(), e.type(), location));
            case SumType sum -> sum.variants().forEach(v -> checkElement(v.name(), v.type(), location));
            default -> checkUse(type, location);
        }
    }

    private void checkElement(Optional<String> name, AlgebraicType type, String location) {
        if (name.isEmpty()) {
            addCodegenError(location, "all elements of a type require names");
        } else {
            errors.checkIdentifier(name.get());
        }
        checkUse(type, location);
    }

    /** A type as part of another, or as parameter or result: compound ones must go through a reference to a named type. */
    void checkUse(AlgebraicType type, String location) {
        switch (type) {
            case PrimitiveType p -> {
            }
            case ArrayType array -> checkUse(array.element(), location);
            case AlgebraicType.Ref ref -> checkRef(ref, location);
            case ProductType product -> checkInline(product, location);
            case SumType sum -> {
                if (SpecialTypes.isOption(sum) || SpecialTypes.isResult(sum)) {
                    sum.variants().forEach(v -> checkUse(v.type(), location));
                } else {
                    checkInline(sum, location);
                }
            }
        }
    }

    private void checkInline(AlgebraicType type, String location) {
        if (!SpecialTypes.isSpecial(type)) {
            addCodegenError(location, "non-special product or sum type " + TypeSize.text(type)
                    + " cannot be used to generate a client type use");
        }
    }

    private void checkRef(AlgebraicType.Ref ref, String location) {
        AlgebraicType target = ref;
        boolean hasName = false;
        for (int steps = 0; target instanceof AlgebraicType.Ref r; steps++) {
            if (!isInRange(r.index())) {
                addCodegenError(location, "type reference " + TypeSize.text(r) + " is out of range");
                return;
            }
            if (steps == types.size()) {
                addCodegenError(location, "type reference " + TypeSize.text(ref) + " refers to nothing but itself");
                return;
            }
            hasName |= named.get(r.index());
            target = types.get(r.index());
        }
        boolean compound = target instanceof ProductType || target instanceof SumType;
        if (compound && !hasName && !SpecialTypes.isSpecial(target)) {
            addCodegenError(location, "type reference " + TypeSize.text(ref) + " refers to a product or sum type without a name");
        }
    }

    void addCodegenError(String location, String reason) {
        errors.add("error at " + location + ": internal codegen error: " + reason);
    }

    /** The product at {@code ref} with canonical names, or empty if there is none; nothing is reported. */
    Optional<ProductType> product(int ref) {
        return isInRange(ref) && typespace.types().get(ref) instanceof ProductType product
                ? Optional.of(product)
                : Optional.empty();
    }

    /** Names of the elements of the product at {@code ref}, all of which have one, as the module wrote them. */
    List<String> sourceNames(int ref) {
        return ((ProductType) types.get(ref)).elements().stream().map(e -> e.name().orElseThrow()).toList();
    }

    /** The type free of references; empty if it is recursive or too large, which is reported. */
    Optional<ProductType> resolve(ProductType type, String location) {
        try {
            ProductType resolved = (ProductType) resolver.resolve(type);
            resolvedSize += TypeSize.of(resolved, RESOLVED_SIZE_MAX - resolvedSize);
            if (resolvedSize > RESOLVED_SIZE_MAX) {
                throw new BsatnException(
                        BsatnException.Code.TOO_LARGE,
                        "the types of the module have more than " + RESOLVED_SIZE_MAX + " parts and letters when references"
                                + " are resolved");
            }
            return Optional.of(resolved);
        } catch (BsatnException e) {
            errors.add("error at " + location + ": " + e.getMessage());
            return Optional.empty();
        }
    }
}
