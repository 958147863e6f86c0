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

/// Regenerates transaction logs from the log alone, in one pass; those of some dispatches without
/// reading others' events, where the ledger has indexes of its streams.
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
    if let wanted { return try logs(of: wanted) }
    var streams: [String: [StoredEvent]] = [:]
    var order: [String] = []
    var cursor = try HistoryCursor(reader, to: point)
    while let stored = try cursor.read() {
      guard let id = Self.dispatchID(of: stored.line), try isHeld(stored) else { continue }
      if streams[id] == nil { order.append(id) }
      streams[id, default: []].append(stored)
    }
    var logs: [TransactionLog] = []
    for text in order {
      guard let id = EntityID(text), let events = streams[text] else { continue }
      logs.append(try TransactionLog(of: id, events, in: reader.identity))
    }
    return logs
  }

  private func logs(of wanted: [EntityID]) throws(AuditError) -> [TransactionLog] {
    // A dispatch that is named twice is told twice, and read once.
    var places: [EntityID: Int] = [:]
    var subjects: [Subject] = []
    for id in wanted where places[id] == nil {
      places[id] = subjects.count
      subjects.append(.dispatch(id))
    }
    var history = try HistoryStreams(reader, to: point)
    let streams = try history.events(about: subjects)
    var logs: [TransactionLog] = []
    for id in wanted {
      var events: [StoredEvent] = []
      for stored in streams[places[id] ?? 0] where try isHeld(stored) { events.append(stored) }
      if events.isEmpty { throw .noSuchDispatch(id) }
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

  /// The dispatch whose stream an event line belongs to, without parsing the line.
  package static func dispatchID(of line: [UInt8]) -> String? {
    guard let subject = EventLine.subject(in: line, 0..<line.count),
      line[subject].starts(with: "dispatch/".utf8)
    else { return nil }
    return String(decoding: line[subject.dropFirst("dispatch/".utf8.count)], as: UTF8.self)
  }
}
