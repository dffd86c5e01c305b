package dev.geodesic.engine.query;

import dev.geodesic.engine.auth.Hashes;
import dev.geodesic.engine.base.EngineException;
import dev.geodesic.engine.base.ErrorCode;
import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.query.parse.Statement;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableAccess;
import dev.geodesic.engine.schema.TableRole;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.AlgebraicType;
import dev.geodesic.sats.BsatnReader;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.SpecialTypes;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/** Resolves names, checks types and encodes constants for one caller (spec/sql.md 3 to 5 and 8). For one statement. */
final class Binder {

    private final ReadView view;
    private final Caller caller;
    private final Parameters parameters;
    private final Limits limits;
    private int nodes;
    private boolean usesSender;

    Binder(ReadView view, Caller caller, Limits limits) {
        this(view, caller, Parameters.of(List.of()), limits);
    }

    Binder(ReadView view, Caller caller, Parameters parameters, Limits limits) {
        this.view = view;
        this.caller = caller;
        this.parameters = parameters;
        this.limits = limits;
    }

    /** Whether anything bound so far was {@code :sender}. */
    boolean usesSender() {
        return usesSender;
    }

    /** A table that the caller may know of. Errors: SQL if there is none. */
    TableSchema table(String name) {
        return view.tableByName(name).filter(this::isReadable).orElseThrow(() -> SqlError.noSuchTable(name));
    }

    Caller caller() {
        return caller;
    }

    boolean isReadable(TableSchema table) {
        return caller.isOwner() || table.access() == TableAccess.PUBLIC;
    }

    /**
     * A FROM clause.
     *
     * @param on the join conditions, and which rows of its views belong to the caller
     */
    record From(Scope scope, BoundExpr on) {
    }

    From relation(Statement.Relation relation) {
        checkTables(1 + relation.joins().size());
        Scope scope = Scope.of(relation.first().alias(), table(relation.first().name()));
        List<BoundExpr> on = new ArrayList<>();
        for (Statement.Join join : relation.joins()) {
            scope.add(join.table().alias(), table(join.table().name()));
            join.on().ifPresent(c -> on.add(compareColumns(Operator.EQUAL, c.left(), c.right(), scope)));
        }
        for (int i = 0; i < scope.tableCount(); i++) {
            on.add(rowsOfCaller(scope.table(i), i));
        }
        return new From(scope, BoundExpr.and(on));
    }

    void checkTables(int count) {
        if (count > limits.queryTablesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the query joins more tables than the limit query-tables-max of " + limits.queryTablesMax());
        }
    }

    /** A view's rows belong to everybody or to one caller; a table's are not divided (spec/execution.md 6.1). */
    BoundExpr rowsOfCaller(TableSchema table, int number) {
        if (!table.role().isView()) {
            return BoundExpr.TRUE;
        }
        boolean isOfCaller = table.role() == TableRole.VIEW;
        usesSender |= isOfCaller;
        return new BoundExpr.CompareConstant(
                Operator.EQUAL,
                new BoundExpr.BoundColumn(number, VisibleColumns.VIEW_ARGUMENTS, ValueKind.U256),
                Hashes.viewArguments(isOfCaller ? Optional.of(caller.identity()) : Optional.empty()));
    }

    /** A condition; must be boolean. */
    BoundExpr condition(Expr expr, Scope scope) {
        if (++nodes > limits.queryNodesMax()) {
            throw new EngineException(
                    ErrorCode.LIMIT_EXCEEDED,
                    "the query has more conditions than the limit query-nodes-max of " + limits.queryNodesMax());
        }
        return switch (expr) {
            case Expr.And(List<Expr> terms) -> BoundExpr.and(terms.stream().map(t -> condition(t, scope)).toList());
            case Expr.Or(List<Expr> terms) -> BoundExpr.or(terms.stream().map(t -> condition(t, scope)).toList());
            case Expr.Compare compare -> comparison(compare, scope);
            case Expr.Literal literal -> constant(compared(literal, PrimitiveType.BOOL));
            case Expr.Sender sender -> throw LiteralCodec.senderMismatch(PrimitiveType.BOOL);
            case Expr.Aggregate call -> throw notHere(call);
            case Expr.Column name -> {
                Scope.Resolved column = scope.resolve(name);
                if (column.column().type() != PrimitiveType.BOOL) {
                    throw SqlError.type(TypeText.of(column.column().type()), "Bool");
                }
                yield new BoundExpr.CompareConstant(Operator.EQUAL, bound(column), new byte[] {1});
            }
        };
    }

    private static EngineException notHere(Expr.Aggregate call) {
        return SqlError.of("Unsupported expression: " + SqlError.shorten(call.toString()));
    }

    private static BoundExpr constant(byte[] bool) {
        return bool[0] == 1 ? BoundExpr.TRUE : BoundExpr.FALSE;
    }

    private BoundExpr comparison(Expr.Compare compare, Scope scope) {
        return switch (compare.left()) {
            case Expr.Column left when compare.right() instanceof Expr.Column right ->
                compareColumns(compare.operator(), left, right, scope);
            case Expr.Column left -> compareConstant(compare.operator(), left, compare.right(), scope);
            case Expr.Operand left when compare.right() instanceof Expr.Column right ->
                compareConstant(compare.operator().swapped(), right, left, scope);
            case Expr.Operand left -> fold(compare.operator(), left, compare.right());
        };
    }

    private BoundExpr compareColumns(Operator operator, Expr.Column leftName, Expr.Column rightName, Scope scope) {
        Scope.Resolved left = scope.resolve(leftName);
        Scope.Resolved right = scope.resolve(rightName);
        ValueKind kind = ValueKind.of(left.column().type());
        String leftType = TypeText.of(left.column().type());
        // By text, because structural equality of hostile types may take for ever.
        if (kind != ValueKind.of(right.column().type()) || !leftType.equals(TypeText.of(right.column().type()))) {
            throw SqlError.type(TypeText.of(right.column().type()), leftType);
        }
        if (kind == ValueKind.OTHER) {
            throw SqlError.of("Invalid binary operator `" + operator.symbol() + "` for type `" + leftType + "`");
        }
        return new BoundExpr.CompareColumns(operator, bound(left), bound(right));
    }

    private BoundExpr compareConstant(Operator operator, Expr.Column name, Expr.Operand constant, Scope scope) {
        Scope.Resolved column = scope.resolve(name);
        return new BoundExpr.CompareConstant(operator, bound(column), encode(constant, column.column().type()));
    }

    private byte[] encode(Expr.Operand constant, AlgebraicType type) {
        return switch (constant) {
            case Expr.Literal literal -> compared(literal, type);
            case Expr.Sender sender -> {
                usesSender = true;
                yield LiteralCodec.sender(caller.identity(), type);
            }
            case Expr.Column column -> throw new EngineException(ErrorCode.INTERNAL, "a column is no constant");
            case Expr.Aggregate call -> throw notHere(call);
        };
    }

    private byte[] compared(Expr.Literal literal, AlgebraicType type) {
        return literal.kind() == Expr.Literal.Kind.PARAMETER
                ? parameters.encode(literal.text(), type)
                : LiteralCodec.forComparison(literal, type);
    }

    /** BSATN of a value for INSERT or SET. */
    byte[] assigned(Expr.Literal literal, AlgebraicType type) {
        return literal.kind() == Expr.Literal.Kind.PARAMETER
                ? parameters.encode(literal.text(), type)
                : LiteralCodec.forAssignment(literal, type);
    }

    /** A number of rows; those beyond {@code Long.MAX_VALUE} are that. */
    long rowCount(Expr.Literal literal) {
        long count = new BsatnReader(compared(literal, PrimitiveType.U64)).readU64();
        return count < 0 ? Long.MAX_VALUE : count;
    }

    /** Two constants: one of them must say what type it is. */
    private BoundExpr fold(Operator operator, Expr.Operand left, Expr.Operand right) {
        AlgebraicType type;
        if (left instanceof Expr.Sender || right instanceof Expr.Sender) {
            type = SpecialTypes.IDENTITY;
        } else if (isBool(left) || isBool(right)) {
            type = PrimitiveType.BOOL;
        } else {
            throw SqlError.of("Cannot resolve type for literal expression");
        }
        int order = ValueKind.of(type)
                .compare(MemorySegment.ofArray(encode(left, type)), 0, MemorySegment.ofArray(encode(right, type)), 0);
        return operator.accepts(order) ? BoundExpr.TRUE : BoundExpr.FALSE;
    }

    private static boolean isBool(Expr.Operand operand) {
        return operand instanceof Expr.Literal(Expr.Literal.Kind kind, String text) && kind == Expr.Literal.Kind.BOOL;
    }

    static BoundExpr.BoundColumn bound(Scope.Resolved column) {
        return new BoundExpr.BoundColumn(
                column.table(), column.column().position(), ValueKind.of(column.column().type()));
    }

    /** Columns of an INSERT in the order of its list. */
    static List<ColumnSchema> insertColumns(TableSchema table, List<String> names) {
        if (names.size() != table.columns().size()) {
            throw SqlError.of("The number of fields (" + names.size() + ") in the INSERT does not match the number of columns ("
                    + table.columns().size() + ") of the table `" + table.name() + "`");
        }
        List<ColumnSchema> columns = new ArrayList<>();
        BitSet taken = new BitSet();
        for (String name : names) {
            ColumnSchema column = field(table, name);
            if (taken.get(column.position())) {
                throw SqlError.of("Duplicate name `" + SqlError.shorten(name) + "`");
            }
            taken.set(column.position());
            columns.add(column);
        }
        return columns;
    }

    static ColumnSchema field(TableSchema table, String name) {
        return Scope.column(table, name)
                .orElseThrow(() ->
                        SqlError.of("`" + table.name() + "` does not have a field `" + SqlError.shorten(name) + "`"));
    }
}
