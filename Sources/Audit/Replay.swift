import Bytes
package import EventLog
package import Events
package import Views

/// Why a replay can't go on.
package enum AuditError: Error {
  case log(LogError)
  case views(ViewError)
  /// A line that this program can't read as an event; it names itself.
  case unreadableEvent(EventID, EventError)
  /// The log has no event of the dispatch.
  case noSuchDispatch(EntityID)
  /// The log, which holds so many events, has none of this id.
  case noSuchEvent(EventID, size: UInt64)
}

/// Regenerates transaction logs from the log alone, in one pass.
package struct Replay {
  private let reader: LogReader
  private let point: HistoryPoint?

  /// - Parameter point: Only the history up to it is replayed.
  package init(_ reader: LogReader, at point: HistoryPoint? = nil) {
    self.reader = reader
    self.point = point
  }

  /// The transaction logs of all dispatches, by first event; or of those asked for, in the order
  /// asked.
  ///
  /// - Throws: `.noSuchDispatch`, `.noSuchEvent`.
  package func transactionLogs(
    of wanted: [EntityID]? = nil
  ) throws(AuditError) -> [TransactionLog] {
    var streams: [String: [StoredEvent]] = [:]
    var order: [String] = []
    let asked = wanted.map { Set($0.map(\.text)) }
    var cursor = try HistoryCursor(reader, to: point)
    while let stored = try cursor.read() {
      guard let id = Self.dispatchID(of: stored.line), asked?.contains(id) ?? true,
        try isHeld(stored)
      else { continue }
      if streams[id] == nil { order.append(id) }
      streams[id, default: []].append(stored)
    }
    var logs: [TransactionLog] = []
    for text in wanted?.map(\.text) ?? order {
      guard let id = EntityID(text), let events = streams[text] else {
        guard let id = wanted?.first(where: { $0.text == text }) else { continue }
        throw .noSuchDispatch(id)
      }
      logs.append(try TransactionLog(of: id, events, in: reader.identity))
    }
    return logs
  }

  private func isHeld(_ stored: StoredEvent) throws(AuditError) -> Bool {
    guard let point, case .known = point else { return true }
    do { return point.holds(try Event(decoding: stored.line)) } catch {
      throw .unreadableEvent(stored.id, error)
    }
  }

  private static let pattern = Array("\"subject\":\"dispatch/".utf8)

  /// The dispatch whose stream an event line belongs to, without parsing the line.
  ///
  /// The envelope's `subject` stands after `data`, so it is the last of that form; within strings
  /// quotes are escaped, so no text can look like it.
  package static func dispatchID(of line: [UInt8]) -> String? {
    guard line.count > pattern.count else { return nil }
    var index = line.count - pattern.count
    while index >= 0 {
      if line[index] == pattern[0], line[index + 1] == pattern[1],
        line[index..<index + pattern.count].elementsEqual(pattern)
      {
        let start = index + pattern.count
        guard let end = line[start...].firstIndex(of: UInt8(ascii: "\"")),
          isEnvelope(line[(end + 1)...])
        else { return nil }
        return String(decoding: line[start..<end], as: UTF8.self)
      }
      index -= 1
    }
    return nil
  }

  /// Whether what follows a subject is what follows the envelope's: `time`, and nothing nested.
  private static func isEnvelope(_ rest: ArraySlice<UInt8>) -> Bool {
    rest.starts(with: ",\"time\":\"".utf8) && !rest.dropLast().contains(UInt8(ascii: "}"))
  }
}
