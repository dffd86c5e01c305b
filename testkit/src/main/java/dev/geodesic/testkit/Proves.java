package dev.geodesic.testkit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names a rule of the specification that a test would catch the breaking of: page and section number, such as
 * {@code execution.md 5.2}. The table in {@code docs/compatibility.md} is made from these. On a class it holds for all its
 * tests.
 */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target({ElementType.METHOD, ElementType.TYPE})
@Repeatable(Proves.All.class)
public @interface Proves {

    /** Page and number of the section. */
    String value();

    /** Several rules of one test. */
    @Documented
    @Retention(RetentionPolicy.RUNTIME)
    @Target({ElementType.METHOD, ElementType.TYPE})
    @interface All {

        Proves[] value();
    }
}
