package dev.geodesic.engine.host.runtime;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** Parameters and results of a function. */
public record FunctionType(List<ValueType> parameters, List<ValueType> results) {

    public FunctionType {
        parameters = List.copyOf(parameters);
        results = List.copyOf(results);
    }

    /** From a letter per value, parameters and result apart: {@code i} is i32, {@code I} is i64. {@code "iI:i"}. */
    public static FunctionType of(String letters) {
        List<ValueType> parameters = new ArrayList<>();
        List<ValueType> results = new ArrayList<>();
        List<ValueType> current = parameters;
        for (char letter : letters.toCharArray()) {
            switch (letter) {
                case ':' -> current = results;
                case 'i' -> current.add(ValueType.I32);
                case 'I' -> current.add(ValueType.I64);
                default -> throw new IllegalArgumentException(letters);
            }
        }
        return new FunctionType(parameters, results);
    }

    /** As {@code (i32, i64) -> i32}. */
    @Override
    public String toString() {
        String in = parameters.stream().map(ValueType::toString).collect(Collectors.joining(", ", "(", ")"));
        return switch (results.size()) {
            case 0 -> in;
            case 1 -> in + " -> " + results.getFirst();
            default -> in + results.stream().map(ValueType::toString).collect(Collectors.joining(", ", " -> (", ")"));
        };
    }
}
