import Bytes
import EventLog
import Events
import Platform

/// Measures within one process what no whole program shows alone.
///
/// Not installed; `tools/bench` runs it. `ledger-bench decode DIRECTORY`: picoseconds an event for
/// reading the envelope of each stored line (canonical form checked, parts found), and for making
/// the typed event of it, with one decoder for all lines or one for each; the least of fifteen runs
/// over the first 100,000 events, since whatever else the machine does only adds to one. ``SendMeasure``,
/// ``AppendMeasure``, ``BulkMeasure``, ``FoldMeasure``,
/// ``InsertsMeasure``, ``StreamMeasure`` and ``StreamCopy`` are the other measures.
@main
enum Program {
  static func main() {
    do {
      let arguments = try programArguments()
      switch (arguments.first, arguments.count) {
      case ("decode"?, 2): try decode(arguments[1])
      case ("append"?, 4): try AppendMeasure.run(Array(arguments.dropFirst()))
      case ("socket"?, 4): try AppendMeasure.runSocket(Array(arguments.dropFirst()))
      case ("inserts"?, 3): InsertsMeasure.run(Array(arguments.dropFirst()))
      case ("bulk"?, 4): try BulkMeasure.run(Array(arguments.dropFirst()))
      case ("fold"?, 3): try FoldMeasure.run(Array(arguments.dropFirst()))
      case ("send"?, 5): try SendMeasure.run(Array(arguments.dropFirst()))
      case ("copy"?, 4): try StreamCopy.run(Array(arguments.dropFirst()))
      case ("streams"?, 3): try StreamMeasure.run(Array(arguments.dropFirst()))
      default:
        _ = StandardStream.error.write(
          "usage: ledger-bench decode DIRECTORY | send CONFIG CHANNEL ADDRESS COUNT | "
            + "append|socket DIRECTORY SECONDS WRITERS | bulk DIRECTORY SECONDS LINES | "
            + "fold DIRECTORY DATABASE | inserts DATABASE COPY | "
            + "streams DIRECTORY DATABASE | copy DIRECTORY TARGET split|whole\n")
        exitProcess(64)
      }
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
    var work = 0
    func measure(_ once: ([UInt8]) -> Int) -> JSON {
      let nanoseconds = least { for line in lines { work &+= once(line) } }
      return .integer(Int64(nanoseconds) * 1_000 / Int64(max(1, lines.count)))
    }

    let marks = TextMarks()
    var reader = EnvelopeReader()
    let decoder = EventDecoder()
    let report: JSON = [
      "bytes": .integer(Int64(bytes)),
      "events": .integer(Int64(lines.count)),
      "picoseconds_an_event": [
        "checksum": measure { line in
          var checksum = CRC32C()
          checksum.update(line)
          return Int(checksum.value)
        },
        "envelope": measure { line in
          let view = unsafe reader.read(line.span.bytes)
          return view?.id.count ?? 0
        },
        "marks": measure { line in
          unsafe marks.find(in: line.span.bytes).count
        },
        "typed": measure { line in idOf { () throws(EventError) in try decoder.event(of: line) } },
        "typed_alone": measure { line in idOf { () throws(EventError) in try Event(decoding: line) }
        },
      ],
      "work": .integer(Int64(work)),
    ]
    _ = StandardStream.output.write(report.canonicalBytes[...])
    _ = StandardStream.output.write("\n")
  }

  private static func idOf(_ event: () throws(EventError) -> Event) -> Int {
    do { return Int(try event().id) } catch { return 0 }
  }

  /// The least of fifteen runs, in nanoseconds of this thread.
  private static func least(_ run: () -> Void) -> UInt64 {
    var least = UInt64.max
    for _ in 0..<15 {
      let start = SystemClock.threadNanoseconds()
      run()
      least = min(least, SystemClock.threadNanoseconds() - start)
    }
    return least
  }
}
