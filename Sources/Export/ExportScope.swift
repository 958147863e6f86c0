package import Audit
import Bytes
package import EventLog
package import Events
import Merkle

/// What an export is of: the history up to a point, and which of its events.
package struct ExportScope {
  package let reader: LogReader
  /// Only the history up to it; `nil`: all of it.
  package let point: HistoryPoint?
  /// Whether the next event of the log is told; `nil`: all are.
  package let admits: ((Envelope) throws(EventError) -> Bool)?
  /// The user whom the rows are about, where a filter names one.
  package let user: EntityID?
  /// Whether events that hadn't happened by the point are passed over, and not shown as untold.
  var skipsWhatIsNotHeld = true

  package init(
    _ reader: LogReader, at point: HistoryPoint? = nil, user: EntityID? = nil,
    admits: ((Envelope) throws(EventError) -> Bool)? = nil
  ) {
    self.reader = reader
    self.point = point
    self.user = user
    self.admits = admits
  }

  /// What was read of a history.
  struct Found {
    /// The commit that was read last.
    var last: CommitLine?
    /// The first and the last told event.
    var events: ClosedRange<EventID>?
    /// How many were told.
    var count: UInt64 = 0

    /// Takes in what was read of the part behind this one.
    mutating func add(_ later: Found) {
      last = later.last ?? last
      if let told = later.events {
        events = (events?.lowerBound ?? told.lowerBound)...told.upperBound
      }
      count += later.count
    }
  }

  /// What the export is of; `nil` where the history has no event.
  func range(of found: Found) -> ExportRange? {
    found.last.map {
      ExportRange(
        identity: reader.identity, head: TreeHead(size: $0.end, root: $0.root),
        events: found.events, count: found.count)
    }
  }

  /// The history in at most so many parts, each of which may be read while the others are.
  ///
  /// A filter remembers what it was shown, so with one there is a single part.
  package func parts(_ most: Int) -> [Range<EventID>] {
    var starts: [EventID] = []
    for number in 1..<max(1, admits == nil ? most : 1) {
      let aim = reader.size / UInt64(most) * UInt64(number)
      let start = reader.segments.last { $0 <= aim } ?? 0
      if start > starts.last ?? 0 { starts.append(start) }
    }
    return zip([0] + starts, starts + [reader.size]).map { $0..<$1 }
  }

  /// Shows all events of the part up to the point to `body`, and whether each is told.
  func forEach(
    in part: Range<EventID>? = nil,
    _ body: (StoredEvent, Bool) throws(ExportError) -> Void
  ) throws(ExportError) -> Found {
    var cursor: HistoryCursor
    do { cursor = try HistoryCursor(reader, to: point, in: part) } catch { throw .audit(error) }
    var found = Found()
    while true {
      let next: StoredEvent?
      do { next = try cursor.read() } catch { throw .audit(error) }
      guard let next else { return found }
      found.last = next.commit
      let isHeld: Bool
      do { isHeld = try holds(next) } catch { throw .audit(.unreadableEvent(next.id, error)) }
      guard isHeld || !skipsWhatIsNotHeld else { continue }
      let isTold: Bool
      if isHeld { isTold = try self.isTold(next) } else { isTold = false }
      if isTold {
        found.events = (found.events?.lowerBound ?? next.id)...next.id
        found.count += 1
      }
      try body(next, isTold)
    }
  }

  /// Shows the lines of all events of the part up to the point, without their newlines, and whether
  /// each is told.
  func forEachLine(
    in part: Range<EventID>,
    _ body: (EventID, RawSpan, Bool) throws(ExportError) -> Void
  ) throws(ExportError) -> Found {
    guard isWhole else {
      return try forEach(in: part) { (stored, isTold) throws(ExportError) in
        try body(stored.id, unsafe stored.line.span.bytes, isTold)
      }
    }
    var cursor: HistoryCursor
    do { cursor = try HistoryCursor(reader, to: point, in: part) } catch { throw .audit(error) }
    var found = Found()
    var bytes: [UInt8] = []
    var next = part.lowerBound
    while true {
      bytes.removeAll(keepingCapacity: true)
      do {
        guard let commit = try cursor.readCommit(appendingTo: &bytes) else { break }
        found.last = commit
      } catch {
        throw .audit(error)
      }
      var start = 0
      while let end = firstIndex(
        of: UInt8(ascii: "\n"), in: bytes.span, from: start, to: bytes.count)
      {
        try body(next, unsafe bytes.span.bytes.extracting(start..<end), true)
        start = end + 1
        next += 1
      }
    }
    if next > part.lowerBound { found.events = part.lowerBound...next - 1 }
    found.count = next - part.lowerBound
    return found
  }

  /// Whether all lines up to the point are told as they stand, so that none has to be looked at.
  var isWhole: Bool {
    if case .known? = point { return false }
    return admits == nil
  }

  private func holds(_ stored: StoredEvent) throws(EventError) -> Bool {
    guard let point, case .known = point else { return true }
    return point.holds(try Event(decoding: stored.line))
  }

  private func isTold(_ stored: StoredEvent) throws(ExportError) -> Bool {
    guard let admits else { return true }
    do { return try admits(Envelope(decoding: stored.line)) } catch {
      throw .audit(.unreadableEvent(stored.id, error))
    }
  }
}
