package dev.geodesic.engine.schema;

import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.schema.RawModuleDef.Constraint;
import dev.geodesic.engine.schema.RawModuleDef.Default;
import dev.geodesic.engine.schema.RawModuleDef.EnvironmentVariable;
import dev.geodesic.engine.schema.RawModuleDef.ExplicitName;
import dev.geodesic.engine.schema.RawModuleDef.HttpMethod;
import dev.geodesic.engine.schema.RawModuleDef.HttpRoute;
import dev.geodesic.engine.schema.RawModuleDef.Index;
import dev.geodesic.engine.schema.RawModuleDef.LifecycleReducer;
import dev.geodesic.engine.schema.RawModuleDef.NamedType;
import dev.geodesic.engine.schema.RawModuleDef.Outbox;
import dev.geodesic.engine.schema.RawModuleDef.Procedure;
import dev.geodesic.engine.schema.RawModuleDef.Reducer;
import dev.geodesic.engine.schema.RawModuleDef.Schedule;
import dev.geodesic.engine.schema.RawModuleDef.Sequence;
import dev.geodesic.engine.schema.RawModuleDef.Submodule;
import dev.geodesic.engine.schema.RawModuleDef.Table;
import dev.geodesic.engine.schema.RawModuleDef.View;
import dev.geodesic.engine.schema.RawModuleDef.ViewPrimaryKey;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.ArrayType;
import dev.geodesic.sats.BsatnException;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import dev.geodesic.sats.SpecialTypes;
import dev.geodesic.sats.SumType;
import dev.geodesic.sats.TypeCodec;
import dev.geodesic.sats.Typespace;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Reads the wire forms of spec/module-def.md 1 to 3. One use. */
final class RawModuleDefDecoder {

    private static final List<String> HTTP_METHODS =
            List.of("Get", "Head", "Post", "Put", "Delete", "Connect", "Options", "Trace", "Patch");
    private static final int HTTP_METHOD_EXTENSION = 9;
    private static final int SUBMODULE_DEPTH_MAX = 16;
    /** Names repeat in messages and in resolved types; nobody needs long ones. */
    private static final int NAME_LENGTH_MAX = 4_096;

    private static final int HASH_BYTE_COUNT = 32;
    private static final int I128_BYTE_COUNT = 16;

    private final BsatnReader in;

    RawModuleDefDecoder(byte[] bytes) {
        this.in = new BsatnReader(bytes);
    }

    RawModuleDef decode() {
        try {
            int tag = in.readU8();
            RawModuleDef def = switch (tag) {
                case 0 -> throw refused("version 8 is older than any published crate;"
                        + " build the module with a crate of 1.0 or later");
                case 1 -> readV9();
                case 2 -> readV10(0);
                default -> throw refused("unknown version tag " + tag);
            };
            if (in.remaining() != 0) {
                throw refused(in.remaining() + " bytes follow the definition");
            }
            return def;
        } catch (BsatnException e) {
            throw refused(e.getMessage() + " at byte " + in.position());
        }
    }

    private static EngineException refused(String reason) {
        return new EngineException(ErrorCode.INVALID_MODULE_DEF, "cannot decode the module definition: " + reason);
    }

    // Version 9

    private RawModuleDef readV9() {
        Parts parts = new Parts();
        parts.typespace = readTypespace();
        parts.tables = list(() -> readTableV9(parts));
        parts.reducers = list(() -> readReducerV9(parts));
        parts.types = list(this::readNamedType);
        for (int left = in.readCount(1); left > 0; left--) {
            readMiscExport(parts);
        }
        parts.rowLevelSecurity = list(in::readString);
        return parts.build(9);
    }

    private Table readTableV9(Parts parts) {
        String name = readName();
        int ref = in.readU32();
        List<Integer> primaryKey = readColumns();
        List<Index> indexes = list(this::readIndex);
        List<Constraint> constraints = list(this::readConstraint);
        List<Sequence> sequences = list(this::readSequence);
        option(() -> {
            Optional<String> schedule = option(this::readName);
            String function = readName();
            return new Schedule(schedule, name, in.readU16(), function);
        }).ifPresent(parts.schedules::add);
        return new Table(name, ref, primaryKey, indexes, constraints, sequences, readKind(), readAccess(), false);
    }

    private Reducer readReducerV9(Parts parts) {
        String name = readName();
        ProductType params = readParams();
        option(() -> pick(Lifecycle.values(), "Lifecycle")).ifPresent(l -> parts.lifecycles.add(new LifecycleReducer(l, name)));
        return new Reducer(name, params, Visibility.CLIENT_CALLABLE, ProductType.UNIT, PrimitiveType.STRING);
    }

    private void readMiscExport(Parts parts) {
        int tag = in.readU8();
        switch (tag) {
            case 0 -> parts.defaults.add(new Default(readName(), in.readU16(), in.readBytes()));
            case 1 -> parts.procedures.add(
                    new Procedure(readName(), readParams(), readType(), Visibility.CLIENT_CALLABLE));
            case 2 -> parts.views.add(readView());
            default -> throw badTag(tag, "MiscModuleExport");
        }
    }

    // Version 10

    private RawModuleDef readV10(int depth) {
        Parts first = new Parts();
        int seen = 0;
        for (int left = in.readCount(1); left > 0; left--) {
            int tag = in.readU8();
            // The first section of a kind counts; a repeated one is still read, to find its end.
            Parts parts = (seen & 1 << tag) != 0 ? new Parts() : first;
            readSection(tag, parts, depth);
            seen |= 1 << tag;
        }
        return first.build(10);
    }

    private void readSection(int tag, Parts parts, int depth) {
        switch (tag) {
            case 0 -> parts.typespace = readTypespace();
            case 1 -> parts.types = list(this::readNamedType);
            case 2 -> parts.tables = list(() -> readTableV10(parts));
            case 3 -> parts.reducers = list(() ->
                    new Reducer(readName(), readParams(), readVisibility(), readType(), readType()));
            case 4 -> parts.procedures = list(() ->
                    new Procedure(readName(), readParams(), readType(), readVisibility()));
            case 5 -> parts.views = list(this::readView);
            case 6 -> parts.schedules = list(() ->
                    new Schedule(option(this::readName), readName(), in.readU16(), readName()));
            case 7 -> parts.lifecycles = list(() ->
                    new LifecycleReducer(pick(Lifecycle.values(), "Lifecycle"), readName()));
            case 8 -> parts.rowLevelSecurity = list(in::readString);
            case 9 -> parts.naming = pick(CaseConversion.values(), "CaseConversionPolicy");
            case 10 -> parts.explicitNames = list(() ->
                    new ExplicitName(pick(ExplicitName.Kind.values(), "ExplicitNameEntry"), readName(), readName()));
            case 11 -> parts.httpHandlers = list(this::readName);
            case 12 -> parts.httpRoutes = list(() -> new HttpRoute(readName(), readMethod(), readName()));
            case 13 -> parts.viewPrimaryKeys = list(() -> new ViewPrimaryKey(readName(), list(this::readName)));
            case 14 -> parts.submodules = list(() -> readSubmodule(depth + 1));
            case 15 -> parts.environment = list(this::readEnvironmentVariable);
            case 16 -> parts.outboxes = list(this::readOutbox);
            default -> throw refused("unknown section " + tag + "; the module may have been built with a crate that is newer "
                    + "than this server knows");
        }
    }

    private Table readTableV10(Parts parts) {
        String name = readName();
        int ref = in.readU32();
        List<Integer> primaryKey = readColumns();
        List<Index> indexes = list(this::readIndex);
        List<Constraint> constraints = list(this::readConstraint);
        List<Sequence> sequences = list(this::readSequence);
        TableKind kind = readKind();
        TableAccess access = readAccess();
        parts.defaults.addAll(list(() -> new Default(name, in.readU16(), in.readBytes())));
        return new Table(name, ref, primaryKey, indexes, constraints, sequences, kind, access, in.readBool());
    }

    private Optional<HttpMethod> readMethod() {
        int tag = in.readU8();
        return switch (tag) {
            case 0 -> Optional.empty();
            case 1 -> {
                int method = in.readU8();
                if (method > HTTP_METHOD_EXTENSION) {
                    throw badTag(method, "HttpMethod");
                }
                yield Optional.of(method == HTTP_METHOD_EXTENSION
                        ? new HttpMethod(readName(), true)
                        : new HttpMethod(HTTP_METHODS.get(method), false));
            }
            default -> throw badTag(tag, "MethodOrAny");
        };
    }

    private Submodule readSubmodule(int depth) {
        if (depth > SUBMODULE_DEPTH_MAX) {
            throw refused("submodules are nested deeper than " + SUBMODULE_DEPTH_MAX);
        }
        return new Submodule(readName(), readV10(depth));
    }

    private EnvironmentVariable readEnvironmentVariable() {
        String name = readName();
        int tag = in.readU8();
        List<String> allowed = switch (tag) {
            case 0 -> List.of();
            case 1 -> List.of(readName());
            case 2 -> list(this::readName);
            default -> throw badTag(tag, "EnvironmentVariableType");
        };
        return new EnvironmentVariable(name, allowed, in.readBool());
    }

    private Outbox readOutbox() {
        Outbox outbox = new Outbox(readName(), readName());
        in.readU16();
        readColumns();
        option(this::readName);
        in.skip(HASH_BYTE_COUNT);
        return outbox;
    }

    // Both versions

    private Index readIndex() {
        Optional<String> name = option(this::readName);
        Optional<String> accessor = option(this::readName);
        int tag = in.readU8();
        IndexAlgorithm algorithm = switch (tag) {
            case 0 -> new IndexAlgorithm.BTree(readColumns());
            case 1 -> new IndexAlgorithm.Hash(readColumns());
            case 2 -> new IndexAlgorithm.Direct(in.readU16());
            default -> throw badTag(tag, "RawIndexAlgorithm");
        };
        return new Index(name, accessor, algorithm);
    }

    private Constraint readConstraint() {
        Optional<String> name = option(this::readName);
        int tag = in.readU8();
        if (tag != 0) {
            throw badTag(tag, "RawConstraintData");
        }
        return new Constraint(name, readColumns());
    }

    private Sequence readSequence() {
        return new Sequence(
                option(this::readName), in.readU16(), option(this::readI128), option(this::readI128), option(this::readI128),
                readI128());
    }

    private View readView() {
        return new View(readName(), in.readU32(), in.readBool(), in.readBool(), readParams(), readType());
    }

    private NamedType readNamedType() {
        return new NamedType(list(this::readName), readName(), in.readU32(), in.readBool());
    }

    /** A product type as a value, without the tag that a type as such begins with. */
    private ProductType readParams() {
        return new ProductType(list(() -> new ProductElement(option(this::readName), readType())));
    }

    private String readName() {
        return checked(in.readString());
    }

    private AlgebraicType readType() {
        AlgebraicType type = TypeCodec.read(in);
        checkNames(type);
        return type;
    }

    private Typespace readTypespace() {
        Typespace typespace = TypeCodec.readTypespace(in);
        typespace.types().forEach(RawModuleDefDecoder::checkNames);
        return typespace;
    }

    private static void checkNames(AlgebraicType type) {
        switch (type) {
            case ProductType product -> product.elements().forEach(e -> {
                e.name().ifPresent(RawModuleDefDecoder::checked);
                checkNames(e.type());
            });
            case SumType sum -> sum.variants().forEach(v -> {
                v.name().ifPresent(RawModuleDefDecoder::checked);
                checkNames(v.type());
            });
            case ArrayType array -> checkNames(array.element());
            case PrimitiveType p -> {
            }
            case AlgebraicType.Ref ref -> {
            }
        }
    }

    private static String checked(String name) {
        if (name.length() > NAME_LENGTH_MAX) {
            throw new BsatnException(
                    BsatnException.Code.TOO_LARGE,
                    "a name of " + name.length() + " characters is longer than " + NAME_LENGTH_MAX);
        }
        return name;
    }

    private List<Integer> readColumns() {
        return list(in::readU16);
    }

    private TableKind readKind() {
        return pick(TableKind.values(), "TableType");
    }

    private TableAccess readAccess() {
        return pick(TableAccess.values(), "TableAccess");
    }

    private Visibility readVisibility() {
        return pick(Visibility.values(), "FunctionVisibility");
    }

    private BigInteger readI128() {
        byte[] bytes = in.readRaw(I128_BYTE_COUNT);
        for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
            byte swapped = bytes[i];
            bytes[i] = bytes[j];
            bytes[j] = swapped;
        }
        return new BigInteger(bytes);
    }

    private <T> T pick(T[] constants, String sum) {
        int tag = in.readU8();
        if (tag >= constants.length) {
            throw badTag(tag, sum);
        }
        return constants[tag];
    }

    private <T> Optional<T> option(Supplier<T> payload) {
        int tag = in.readU8();
        return switch (tag) {
            case SpecialTypes.SOME_TAG -> Optional.of(payload.get());
            case SpecialTypes.NONE_TAG -> Optional.empty();
            default -> throw badTag(tag, "Option");
        };
    }

    private <T> List<T> list(Supplier<T> element) {
        // No element is shorter than a byte, so the count is bounded by what is there.
        int count = in.readCount(1);
        List<T> list = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            list.add(element.get());
        }
        return list;
    }

    private static BsatnException badTag(int tag, String sum) {
        return new BsatnException(
                BsatnException.Code.BAD_TAG, "unknown tag 0x" + Integer.toHexString(tag) + " for sum type " + sum);
    }

    /** The parts as they come; what is absent is empty. */
    private static final class Parts {
        CaseConversion naming = CaseConversion.SNAKE_CASE;
        Typespace typespace = Typespace.EMPTY;
        List<NamedType> types = List.of();
        List<Table> tables = List.of();
        List<Reducer> reducers = List.of();
        List<Procedure> procedures = new ArrayList<>();
        List<View> views = new ArrayList<>();
        List<Schedule> schedules = new ArrayList<>();
        List<LifecycleReducer> lifecycles = new ArrayList<>();
        final List<Default> defaults = new ArrayList<>();
        List<String> rowLevelSecurity = List.of();
        List<ExplicitName> explicitNames = List.of();
        List<String> httpHandlers = List.of();
        List<HttpRoute> httpRoutes = List.of();
        List<ViewPrimaryKey> viewPrimaryKeys = List.of();
        List<Submodule> submodules = List.of();
        List<EnvironmentVariable> environment = List.of();
        List<Outbox> outboxes = List.of();

        RawModuleDef build(int version) {
            return new RawModuleDef(
                    version, version == 9 ? CaseConversion.NONE : naming, typespace, types, tables, reducers, procedures, views,
                    schedules, lifecycles, defaults, rowLevelSecurity, explicitNames, httpHandlers, httpRoutes, viewPrimaryKeys,
                    submodules, environment, outboxes);
        }
    }
}
