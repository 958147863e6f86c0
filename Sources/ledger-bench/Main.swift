import Bytes
import EventLog
import Events
import Platform

/// Measures within one process what no whole program shows alone.
///
/// Not installed; `tools/bench` runs it. `ledger-bench decode DIRECTORY`: nanoseconds an event for
/// reading the envelope of each stored line (canonical form checked, parts found), and for making
/// the typed event of it; the best of five runs over the first 100,000 events.
@main
enum Program {
  static func main() {
    do {
      let arguments = try programArguments()
      guard arguments.count == 2, arguments[0] == "decode" else {
        _ = StandardStream.error.write("usage: ledger-bench decode DIRECTORY\n")
        exitProcess(64)
      }
      try decode(arguments[1])
    } catch {
      _ = StandardStream.error.write("ledger-bench: \(error)\n")
      exitProcess(1)
    }
  }

  private static func decode(_ directory: String) throws {
    let storage = try FileStorage.openForReading(directory: directory)
    let identity = try LedgerIdentity.read(from: storage)
    var cursor = try LogReader(storage, identity: identity).events(from: 0, to: 100_000)
    var lines: [[UInt8]] = []
    while let stored = try cursor.read() { lines.append(stored.line) }
    let bytes = lines.reduce(0) { $0 + $1.count }

    var scanner = CanonicalScanner()
    var found = 0
    let view = best {
      for line in lines {
        let view = unsafe EnvelopeView(line.span.bytes, with: &scanner)
        found += view?.id.count ?? 0
      }
    }
    var events = 0
    let typed = best {
      for line in lines where (try? Event(decoding: line)) != nil { events += 1 }
    }
    let report: JSON = [
      "bytes_an_event": .integer(Int64(bytes / max(1, lines.count))),
      "envelope_nanoseconds": .integer(Int64(view) / Int64(max(1, lines.count))),
      "events": .integer(Int64(lines.count)),
      "typed_nanoseconds": .integer(Int64(typed) / Int64(max(1, lines.count))),
      "work": .integer(Int64(found + events)),
    ]
    _ = StandardStream.output.write(report.canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }

  /// The shortest of five runs, in nanoseconds.
  private static func best(_ run: () -> Void) -> UInt64 {
    (0..<5).map { _ in
      let start = SystemClock.monotonicNanoseconds()
      run()
      return SystemClock.monotonicNanoseconds() - start
    }.min() ?? 0
  }
}
