import Bytes
package import CommandLineInterface
import EventLog
import Events
import Platform

/// The day of this release, as manual pages write it.
package let releaseDay = "November 30, 2026"

/// What a ledger has to offer to whoever completes a half-typed line.
package enum LedgerThings {
  /// How many events are looked at, at each end of the log: a key was pressed, and nobody waits long.
  private static let eventCount: UInt64 = 20_000

  /// The ids of a kind in the ledger in a directory, those of the newest events first.
  ///
  /// It reads the log without a lock and opens nothing for writing. Most ledgers define their
  /// programs and users first and call dispatches ever since, so the log's beginning and its end
  /// are read; no catalogue is so offered whole that fills more than that. Nothing at all is offered
  /// where there is no ledger, or none that may be read.
  package static func list(kind: String, ledger directory: String) -> [Candidate] {
    if kind == "type" { return EventType.allCases.map { Candidate($0.rawValue) } }
    let prefix =
      switch kind {
      case "event-type": "market-event-type/"
      case "hold": "legal-hold/"
      default: "\(kind)/"
      }
    var found: [String: String] = [:]
    var order: [String] = []
    do {
      let storage = try FileStorage.openForReading(directory: directory)
      let reader = try LogReader(storage, identity: try LedgerIdentity.read(from: storage))
      let start = min(reader.first, reader.size)
      let tail = max(start, reader.size - min(reader.size, eventCount))
      for range in [start..<min(start + eventCount, tail), tail..<reader.size] {
        var cursor = reader.events(from: range.lowerBound, to: range.upperBound)
        while let stored = try cursor.read() {
          guard let envelope = try? Envelope(decoding: stored.line),
            envelope.subject.utf8.starts(with: prefix.utf8)
          else { continue }
          // A shell puts it into a line as it is: nothing but an id may come that far.
          guard let id = EntityID(String(envelope.subject.dropFirst(prefix.count)))?.text else {
            continue
          }
          if found[id] == nil { order.append(id) }
          found[id] = found[id] ?? "\(envelope.type) \(envelope.time.text.prefix(16))Z"
        }
      }
    } catch {
      // What was read until then is still good; whoever wants to know more calls a command.
    }
    return order.reversed().map { Candidate($0, found[$0] ?? "") }
  }
}
