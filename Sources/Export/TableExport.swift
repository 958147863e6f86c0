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

  /// Shows all events up to the point to `body`, and whether each is told.
  ///
  /// - Returns: What was read, and the last event; `nil` where the history has none.
  func forEach(
    _ body: (StoredEvent, Bool) throws(ExportError) -> Void
  ) throws(ExportError) -> (range: ExportRange, last: StoredEvent)? {
    var cursor: HistoryCursor
    do { cursor = try HistoryCursor(reader, to: point) } catch { throw .audit(error) }
    var (first, final, count) = (nil as EventID?, nil as EventID?, 0 as UInt64)
    var last: StoredEvent?
    while true {
      let next: StoredEvent?
      do { next = try cursor.read() } catch { throw .audit(error) }
      guard let next else { break }
      last = next
      let isHeld: Bool
      do { isHeld = try holds(next) } catch { throw .audit(.unreadableEvent(next.id, error)) }
      guard isHeld || !skipsWhatIsNotHeld else { continue }
      let isTold: Bool
      if isHeld { isTold = try self.isTold(next) } else { isTold = false }
      if isTold {
        first = first ?? next.id
        final = next.id
        count += 1
      }
      try body(next, isTold)
    }
    guard let last else { return nil }
    var events: ClosedRange<EventID>?
    if let first, let final { events = first...final }
    let head = TreeHead(size: last.commit.end, root: last.commit.root)
    return (
      ExportRange(identity: reader.identity, head: head, events: events, count: count), last
    )
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

/// The tables of a ledger's history (`FORMAT.md` §22), in bounded memory.
///
/// How a recipient stands is known only at the end. So one pass over the log puts the streams of
/// dispatches into lanes, each small enough to be held in memory, where its rows are made; and the
/// lanes' rows are put together in the order of the log.
package struct TableExport {
  private let scope: ExportScope
  private let findings: [Finding]
  private let scratch: Scratch
  private let eventsInLane: UInt64

  private static let mostLanes: UInt64 = 128

  /// - Parameters:
  ///   - findings: What a recheck of the same history found.
  ///   - scratch: Where bytes wait that are too many for memory.
  ///   - eventsInLane: About so many are held at once.
  package init(
    _ scope: ExportScope, findings: [Finding] = [], eventsInLane: UInt64 = 65_536,
    scratch: @escaping Scratch
  ) {
    self.scope = scope
    self.findings = findings
    self.scratch = scratch
    self.eventsInLane = eventsInLane
  }

  /// Hands all rows to `sink`, and ends its files.
  ///
  /// - Throws: `.noEvents` where the history up to the point has none.
  package func write<Sink: ExportSink>(
    to sink: inout Sink
  ) throws(ExportError) -> (range: ExportRange, files: [ExportedFile]) {
    let lanes = min(Self.mostLanes, max(1, scope.reader.size / eventsInLane))
    let splitter = Splitter(Int(lanes), scratch)
    var told: Set<EventID> = []
    let named = Set(findings.map(\.event))
    let read = try scope.forEach { (stored, isTold) throws(ExportError) in
      if isTold, named.contains(stored.id) { told.insert(stored.id) }
      try splitter.take(stored, isTold: isTold)
    }
    guard let read else { throw .noEvents }
    let horizon: Instant
    do {
      let last = try Envelope(decoding: read.last.line).time
      horizon = scope.point?.time ?? last
    } catch {
      throw .audit(.unreadableEvent(read.last.id, error))
    }
    try sink.begin(read.range)
    if lanes == 1 {
      try makeRows(of: splitter.lanes[0], horizon) { (row, table) throws(ExportError) in
        try sink.take(row, of: table)
      }
    } else {
      try merge(splitter.takeLanes(), horizon, into: &sink)
    }
    try writeFindings(told, to: &sink)
    return (read.range, try sink.finish(read.range))
  }

  private func makeRows(
    of lane: Lane, _ horizon: Instant, _ take: TableRows.Taker
  ) throws(ExportError) {
    var reader = try lane.reader()
    let decoder = EventDecoder()
    var history = DispatchHistory()
    var events: [Event] = []
    while let (tag, line) = try reader.read() {
      let event: Event
      do { event = try decoder.event(of: Array(line)) } catch {
        throw .audit(.unreadableEvent((try? Envelope(decoding: Array(line)))?.id ?? 0, error))
      }
      history.take(event)
      if tag == 1, TableRows.hasRows(event.payload) { events.append(event) }
    }
    var rows = TableRows(history, by: horizon, user: scope.user)
    for event in events { try rows.make(of: event, take) }
  }

  private func merge<Sink: ExportSink>(
    _ lanes: consuming [Lane], _ horizon: Instant, into sink: inout Sink
  ) throws(ExportError) {
    var readers: [LaneReader] = []
    for lane in lanes {
      var made = Lane(capacity: 1 << 18, scratch)
      var bytes: [UInt8] = []
      try makeRows(of: lane, horizon) { (row, table) throws(ExportError) in
        bytes.removeAll(keepingCapacity: true)
        row.append(to: &bytes)
        try made.append(UInt8(table.number), bytes)
      }
      readers.append(try made.reader())
    }
    var heads: [(event: Int64, tag: UInt8, bytes: [UInt8])?] = []
    for index in readers.indices { heads.append(try Self.next(&readers[index])) }
    var row = ExportRow()
    while let place = Self.least(heads), let event = heads[place]?.event {
      while let head = heads[place], head.event == event {
        row.read(head.bytes[...])
        try sink.take(row, of: ExportTable.all[Int(head.tag)])
        heads[place] = try Self.next(&readers[place])
      }
    }
  }

  private static func next(
    _ reader: inout LaneReader
  ) throws(ExportError) -> (event: Int64, tag: UInt8, bytes: [UInt8])? {
    guard let (tag, bytes) = try reader.read() else { return nil }
    return (ExportRow.event(of: bytes), tag, Array(bytes))
  }

  /// The place of the least event; no two lanes have one in common.
  private static func least(_ heads: [(event: Int64, tag: UInt8, bytes: [UInt8])?]) -> Int? {
    var place: Int?
    var least = Int64.max
    for index in heads.indices {
      guard let head = heads[index], head.event < least else { continue }
      (place, least) = (index, head.event)
    }
    return place
  }

  private func writeFindings<Sink: ExportSink>(
    _ told: Set<EventID>, to sink: inout Sink
  ) throws(ExportError) {
    var row = ExportRow()
    let ordered = findings.enumerated().sorted { one, other in
      (one.element.event, one.offset) < (other.element.event, other.offset)
    }
    for (_, finding) in ordered where told.contains(finding.event) {
      func add(_ difference: Difference?) throws(ExportError) {
        row.begin()
        row.add(finding.event)
        row.add(finding.kind.rawValue)
        row.add(finding.dispatch?.text)
        row.add(finding.message)
        row.add(difference?.path)
        row.add(difference?.expected)
        row.add(difference?.found)
        try sink.take(row, of: .findings)
      }
      if finding.differences.isEmpty { try add(nil) }
      for difference in finding.differences { try add(difference) }
    }
  }
}

/// Puts each event where its dispatch's others are.
private final class Splitter {
  private(set) var lanes: [Lane]
  private var scanner = CanonicalScanner()

  init(_ count: Int, _ scratch: @escaping Scratch) {
    lanes = (0..<count).map { _ in Lane(capacity: 1 << 18, scratch) }
  }

  /// Gives the lanes away.
  func takeLanes() -> [Lane] {
    defer { lanes = [] }
    return lanes
  }

  private static let dispatch = Array("dispatch/".utf8)
  private static let program = Array("program.".utf8)
  private static let unmatched = Array(EventType.deliveryUnmatched.rawValue.utf8)

  func take(_ stored: StoredEvent, isTold: Bool) throws(ExportError) {
    let line = stored.line
    guard let view = unsafe EnvelopeView(line.span.bytes, with: &scanner) else {
      do {
        _ = try Envelope(decoding: line)
      } catch {
        throw .audit(.unreadableEvent(stored.id, error))
      }
      return
    }
    let tag: UInt8 = isTold ? 1 : 0
    let bytes = unsafe line.span.bytes
    if bytes.starts(Self.dispatch, in: view.subject) {
      var checksum = CRC32C()
      checksum.update(bytes.extracting(view.subject))
      try lanes[Int(checksum.value) % lanes.count].append(tag, line)
    } else if bytes.starts(Self.program, in: view.type) {
      // Lead times and channels: every dispatch may be of any program.
      for index in lanes.indices { try lanes[index].append(0, line) }
    } else if bytes.starts(Self.unmatched, in: view.type) {
      try lanes[0].append(tag, line)
    }
  }
}

extension RawSpan {
  /// Whether what stands in the range begins so.
  fileprivate func starts(_ beginning: [UInt8], in range: Range<Int>) -> Bool {
    guard range.count >= beginning.count else { return false }
    for offset in beginning.indices
    where byte(at: range.lowerBound + offset) != beginning[offset] {
      return false
    }
    return true
  }
}
