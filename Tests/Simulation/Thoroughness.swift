import Foundation

/// Whether tests that can go on for as long as one likes go on for long: `tools/test --long`.
package let isLongRun = ProcessInfo.processInfo.environment["LEDGER_TESTS_LONG"] == "1"

/// How many seeds, mutations or seconds a test takes: `short`, or `long` in a long run.
package func amount<Number>(_ short: Number, long: Number) -> Number { isLongRun ? long : short }
