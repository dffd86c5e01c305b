package dev.geodesic.engine.query;

import dev.geodesic.engine.base.Limits;
import dev.geodesic.engine.catalog.SystemTables;
import dev.geodesic.engine.query.parse.Expr;
import dev.geodesic.engine.query.parse.Operator;
import dev.geodesic.engine.query.parse.SqlError;
import dev.geodesic.engine.query.parse.Statement;
import dev.geodesic.engine.schema.ColumnSchema;
import dev.geodesic.engine.schema.TableSchema;
import dev.geodesic.engine.table.RowIterator;
import dev.geodesic.engine.table.RowLayout;
import dev.geodesic.engine.tx.ReadView;
import dev.geodesic.sats.BsatnWriter;
import dev.geodesic.sats.PrimitiveType;
import dev.geodesic.sats.ProductElement;
import dev.geodesic.sats.ProductType;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;

/** The one variable there is, {@code row_limit}: a row of {@code st_var} (name string, value sum; spec/sql.md 11, 14). */
final class RowLimit {

    private static final int NAME = 0;
    private static final int VALUE = 1;
    /** Tag of U64 in the sum of the value. */
    private static final byte U64_TAG = 8;
    private static final String VARIABLE = "row_limit";

    private RowLimit() {
    }

    /** {@code SET row_limit = n}. */
    static DmlPlan set(Statement.SetVariable set, Binder binder, ReadView view) {
        requireVariable(set.name());
        if (set.value().kind() == Expr.Literal.Kind.STRING) {
            throw SqlError.type("U64", "String");
        } else if (set.value().kind() == Expr.Literal.Kind.BOOL) {
            throw SqlError.type("U64", "Bool");
        }
        BsatnWriter row = new BsatnWriter();
        row.writeString(VARIABLE);
        row.writeU8(U64_TAG);
        row.writeRaw(binder.assigned(set.value(), PrimitiveType.U64));
        return new DmlPlan.Insert(variables(view), List.of(row.toByteArray()));
    }

    /** {@code SHOW row_limit}: the value as it is stored, or no row. */
    static SelectPlan show(Statement.ShowVariable show, ReadView view, Limits limits) {
        requireVariable(show.name());
        TableSchema variables = variables(view);
        ColumnSchema value = variables.columns().get(VALUE);
        return new SelectPlan(
                List.of(new JoinPlan(new BoundQuery(List.of(variables), isRowLimit()))),
                new ResultShape(
                        new SelectPlan.Output.Columns(List.of(new BoundExpr.BoundColumn(0, VALUE, ValueKind.OTHER))),
                        Optional.empty(),
                        ResultShape.Order.ALL,
                        ProductType.of(ProductElement.of(value.name(), value.type()))),
                limits);
    }

    /** The limit, if there is one; unsigned. */
    static OptionalLong read(ReadView view) {
        Optional<TableSchema> variables = view.table(SystemTables.VAR);
        if (variables.isEmpty() || view.rowCount(SystemTables.VAR) == 0) {
            return OptionalLong.empty();
        }
        TableScan scan = new TableScan(variables.get(), RowLayout.of(variables.get().rowType()), isRowLimit());
        RowIterator row = scan.open(view, new QueryBudget(Limits.DEFAULTS));
        if (!row.next()) {
            return OptionalLong.empty();
        }
        long at = scan.layout().columnOffset(row.segment(), row.offset(), VALUE);
        return row.segment().get(ValueLayout.JAVA_BYTE, at) == U64_TAG
                ? OptionalLong.of(row.segment().get(ValueKind.LONG, at + 1))
                : OptionalLong.empty();
    }

    private static void requireVariable(String name) {
        if (!name.equals(VARIABLE)) {
            throw SqlError.of(SqlError.shorten(name) + " is not a valid system variable");
        }
    }

    private static TableSchema variables(ReadView view) {
        return view.table(SystemTables.VAR).orElseThrow(() -> SqlError.noSuchTable("st_var"));
    }

    private static BoundExpr isRowLimit() {
        BsatnWriter name = new BsatnWriter();
        name.writeString(VARIABLE);
        BoundExpr.BoundColumn column = new BoundExpr.BoundColumn(0, NAME, ValueKind.STRING);
        return new BoundExpr.CompareConstant(Operator.EQUAL, column, name.toByteArray());
    }
}
