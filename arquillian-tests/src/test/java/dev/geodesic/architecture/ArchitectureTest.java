package dev.geodesic.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ArchitectureTest {

    private static final String ROOT = "dev.geodesic.";
    private static final String ENGINE = ROOT + "engine.";

    /** Bottom first; a package imports none of a later line. {@code port}, {@code host} and {@code auth} are free of order. */
    private static final List<List<String>> FLOW = List.of(
            List.of("base"), List.of("egress"), List.of("schema"), List.of("table"), List.of("tx"), List.of("catalog"),
            List.of("durability", "query"), List.of("snapshot"), List.of("backup", "subscription"),
            List.of("schedule", "view", "procedure"),
            List.of("database"));

    private static JavaClasses all;

    @BeforeAll
    static void readClasses() {
        all = new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests()).importPackages("dev.geodesic");
    }

    /** A rule about classes that were not read would hold for nothing. */
    @Test
    void seesEveryModule() {
        for (String module : List.of("sats", "protocol", "engine", "pgwire", "ejb", "web")) {
            assertTrue(all.stream().anyMatch(type -> type.getPackageName().startsWith(ROOT + module)), module);
        }
    }

    /** Guest modules compile it to wasm: the base of Java, without reflection and foreign memory. */
    @Test
    void satsNeedsOnlyTheBaseOfJava() {
        classes().that().resideInAPackage(ROOT + "sats..")
                .should().onlyDependOnClassesThat().resideInAnyPackage(
                        ROOT + "sats..", "java.lang", "java.lang.annotation", "java.lang.invoke", "java.lang.runtime", "java.io",
                        "java.math", "java.nio..", "java.text", "java.time..", "java.util", "java.util.concurrent..",
                        "java.util.function", "java.util.regex", "java.util.stream")
                .check(all);
    }

    @Test
    void protocolKnowsOnlySats() {
        noClasses().that().resideInAPackage(ROOT + "protocol..")
                .should().dependOnClassesThat().resideInAnyPackage("jakarta..", ROOT + "engine..", ROOT + "ejb..", ROOT + "web..")
                .check(all);
    }

    @Test
    void engineKnowsNoApplicationServer() {
        noClasses().that().resideInAPackage(ROOT + "engine..")
                .should().dependOnClassesThat().resideInAnyPackage(
                        "jakarta..", "org.eclipse.microprofile..", ROOT + "pgwire..", ROOT + "ejb..", ROOT + "web..")
                .check(all);
    }

    /** Nor does it go past the engine: its values come from types and bytes, its statements go to the engine's SQL. */
    @Test
    void postgresKnowsNoApplicationServer() {
        noClasses().that().resideInAPackage(ROOT + "pgwire..")
                .should().dependOnClassesThat().resideInAnyPackage(
                        "jakarta..", "org.eclipse.microprofile..", ROOT + "ejb..", ROOT + "web..", ROOT + "protocol..",
                        ENGINE + "tx..", ENGINE + "table..", ENGINE + "catalog..", ENGINE + "host..")
                .check(all);
    }

    @Test
    void postgresPackagesHaveNoCycles() {
        slices().matching(ROOT + "pgwire.(*)..").should().beFreeOfCycles().check(all);
    }

    /** Messages are what the engine takes and gives; how they look on the wire is not its business. */
    @Test
    void engineKnowsMessagesButNoCodec() {
        noClasses().that().resideInAPackage(ROOT + "engine..")
                .should().dependOnClassesThat(resideInAPackage(ROOT + "protocol..")
                        .and(not(resideInAPackage(ROOT + "protocol.message"))))
                .check(all);
    }

    @Test
    void enginePackagesHaveNoCycles() {
        slices().matching(ENGINE + "(*)..").should().beFreeOfCycles().check(all);
    }

    @TestFactory
    Stream<DynamicTest> enginePackagesImportDownwards() {
        return FLOW.stream().limit(FLOW.size() - 1).flatMap(List::stream).map(name -> DynamicTest.dynamicTest(name, () -> {
            int level = FLOW.indexOf(FLOW.stream().filter(line -> line.contains(name)).findFirst().orElseThrow());
            String[] above = FLOW.stream().skip(level + 1L).flatMap(List::stream).map(later -> ENGINE + later + "..")
                    .toArray(String[]::new);
            noClasses().that().resideInAPackage(ENGINE + name + "..")
                    .should().dependOnClassesThat().resideInAnyPackage(above).allowEmptyShould(true).check(all);
        }));
    }

    @Test
    void chronicleStaysInItsPackage() {
        noClasses().that().resideOutsideOfPackages(ENGINE + "table.chronicle..")
                .should().dependOnClassesThat().resideInAPackage("net.openhft..").check(all);
    }

    @Test
    void beansKnowNothingOfTheWeb() {
        noClasses().that().resideInAPackage(ROOT + "ejb..")
                .should().dependOnClassesThat().resideInAnyPackage(ROOT + "web..", ROOT + "protocol..", "jakarta.ws.rs..")
                        .check(all);
    }
}
