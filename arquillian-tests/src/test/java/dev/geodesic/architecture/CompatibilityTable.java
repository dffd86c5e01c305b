package dev.geodesic.architecture;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The table of {@code docs/compatibility.md}: every section of the specification ({@code docs/rules.tsv}) with the tests
 * that name it by {@code @Proves}, which are read from the sources. Also a program of one file, which refreshes the page.
 */
final class CompatibilityTable {

    /** To be run at the top of the project. */
    static final String REFRESH = "java arquillian-tests/src/test/java/dev/geodesic/architecture/CompatibilityTable.java";

    private static final String START = "<!-- rules: start -->";
    private static final String END = "<!-- rules: end -->";
    private static final Pattern PROVES = Pattern.compile("@(?:dev\\.geodesic\\.testkit\\.)?Proves\\(\\s*\"([^\"]*)\"\\s*\\)");
    private static final Pattern TYPE = Pattern.compile("\\b(?:class|interface|record|enum)\\s+(\\w+)");
    private static final Pattern METHOD = Pattern.compile("(\\w+)\\s*\\(");
    /** Comments and the insides of annotations, which stand between {@code @Proves} and what it belongs to. */
    private static final Pattern SKIPPED = Pattern.compile("\\s+|//[^\\n]*|/\\*(?s:.*?)\\*/|@[\\w.]+");
    private static final Pattern LITERAL = Pattern.compile("\"\"\"(?s:.*?)\"\"\"|\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])+'");

    /** A section of a page of the specification, such as {@code execution.md 5.2}. */
    private record Section(String page, String number, String title) {

        String rule() {
            return page + " " + number;
        }
    }

    private final Path top;
    private final List<Section> sections;
    /** By rule: the tests of each class, or none for the class itself. */
    private final Map<String, Map<String, TreeSet<String>>> tests = new TreeMap<>();

    CompatibilityTable(Path top) throws IOException {
        this.top = top;
        sections = Files.readAllLines(top.resolve("docs/rules.tsv")).stream().skip(1).map(line -> line.split("\t"))
                .map(fields -> new Section(fields[0], fields[1], fields[2])).toList();
        for (Path source : sources()) {
            read(source);
        }
    }

    private List<Path> sources() throws IOException {
        List<Path> sources = new ArrayList<>();
        try (Stream<Path> modules = Files.list(top)) {
            for (Path module : modules.map(m -> m.resolve("src/test/java")).filter(Files::isDirectory).sorted().toList()) {
                try (Stream<Path> files = Files.walk(module)) {
                    files.filter(file -> file.toString().endsWith(".java")).sorted().forEach(sources::add);
                }
            }
        }
        return sources;
    }

    private void read(Path source) throws IOException {
        String text = Files.readString(source);
        String file = source.getFileName().toString().replace(".java", "");
        Matcher proves = PROVES.matcher(text);
        while (proves.find()) {
            String declaration = declaration(text, proves.end());
            Matcher type = TYPE.matcher(declaration);
            Matcher method = METHOD.matcher(declaration);
            TreeSet<String> names = tests.computeIfAbsent(proves.group(1), rule -> new TreeMap<>())
                    .computeIfAbsent(file, name -> new TreeSet<>());
            if (!type.find() && method.find()) {
                names.add(method.group(1));
            } else if (type.reset().find() && !type.group(1).equals(file)) {
                names.add(type.group(1));
            }
        }
    }

    /** What follows the annotations at {@code start}, up to its body. */
    private static String declaration(String text, int start) {
        int at = start;
        Matcher skipped = SKIPPED.matcher(text);
        while (true) {
            if (skipped.region(at, text.length()).lookingAt()) {
                at = skipped.end();
            } else if (text.charAt(at) == '(') {
                at = closing(text, at);
            } else {
                int end = at;
                while (text.charAt(end) != '{' && text.charAt(end) != ';') {
                    end++;
                }
                return text.substring(at, end);
            }
        }
    }

    /** Behind the parenthesis that closes the one at {@code open}. */
    private static int closing(String text, int open) {
        Matcher literal = LITERAL.matcher(text);
        int depth = 0;
        int at = open;
        do {
            if (literal.region(at, text.length()).lookingAt()) {
                at = literal.end();
                continue;
            }
            depth += switch (text.charAt(at++)) {
                case '(' -> 1;
                case ')' -> -1;
                default -> 0;
            };
        } while (depth > 0);
        return at;
    }

    /** Rules that tests name and the specification does not have. */
    List<String> unknown() {
        List<String> known = sections.stream().map(Section::rule).toList();
        return tests.entrySet().stream().filter(entry -> !known.contains(entry.getKey()))
                .map(entry -> entry.getKey() + " in " + entry.getValue().keySet()).toList();
    }

    /** The page as it should be. */
    String page() throws IOException {
        String page = Files.readString(file());
        int start = page.indexOf(START) + START.length();
        int end = page.indexOf(END);
        return page.substring(0, start) + "\n" + table() + page.substring(end);
    }

    Path file() {
        return top.resolve("docs/compatibility.md");
    }

    private String table() {
        Map<String, List<Section>> pages =
                sections.stream().collect(Collectors.groupingBy(Section::page, LinkedHashMap::new, Collectors.toList()));
        StringBuilder out = new StringBuilder();
        out.append("\nTests name ").append(proved(sections)).append(" of ").append(sections.size()).append(" sections.\n");
        pages.forEach((page, all) -> {
            out.append("\n### ").append(page).append(": ").append(proved(all)).append(" of ").append(all.size())
                    .append("\n\n| Section | Tests |\n|---|---|\n");
            all.forEach(section -> out.append("| ").append(section.number()).append(' ')
                    .append(section.title().replace("|", "\\|")).append(" | ").append(cell(section)).append(" |\n"));
        });
        return out.append('\n').toString();
    }

    private long proved(List<Section> some) {
        return some.stream().filter(section -> tests.containsKey(section.rule())).count();
    }

    private String cell(Section section) {
        return tests.getOrDefault(section.rule(), Map.of("**open**", new TreeSet<>())).entrySet().stream()
                .map(entry -> entry.getKey() + (entry.getValue().isEmpty() ? "" : ": " + String.join(", ", entry.getValue())))
                .collect(Collectors.joining("; "));
    }

    /** Refreshes the page. */
    public static void main(String... arguments) throws IOException {
        CompatibilityTable table = new CompatibilityTable(Path.of(""));
        if (!table.unknown().isEmpty()) {
            throw new IllegalStateException("not in docs/rules.tsv: " + table.unknown());
        }
        Files.writeString(table.file(), table.page());
    }
}
