package import Audit
import Bytes
package import EventLog
import Events

/// The tables of a ledger's history (`FORMAT.md` §22), in bounded memory.
///
/// How a recipient stands is known only at the end. So one pass over the log puts the streams of
/// dispatches into lanes, each small enough to be held in memory, where its rows are made and
/// spelled as the sink wants them; and the lanes' rows are put together in the order of the log.
package struct TableExport {
  private let scope: ExportScope
  private let findings: [Finding]
  private let scratch: Scratch
  private let workers: Workers
  private let eventsInLane: UInt64

  private static let mostLanes: UInt64 = 4_096
  private static let mostParts = 4
  /// Bytes that wait in memory, of all lanes of a part together.
  private static let waiting = 16 << 20

  /// - Parameters:
  ///   - findings: What a recheck of the same history found.
  ///   - eventsInLane: About so many are held at once by each worker.
  ///   - workers: Who reads parts of the log, and makes rows of lanes.
  ///   - scratch: Where bytes wait that are too many for memory.
  package init(
    _ scope: ExportScope, findings: [Finding] = [], eventsInLane: UInt64 = 32_768,
    workers: @escaping Workers = oneByOne, scratch: @escaping Scratch
  ) {
    self.scope = scope
    self.findings = findings
    self.scratch = scratch
    self.workers = workers
    self.eventsInLane = eventsInLane
  }

  /// Hands all rows to `sink`, and ends its files.
  ///
  /// - Throws: `.noEvents` where the history up to the point has none.
  package func write<Sink: ExportSink>(
    to sink: inout Sink
  ) throws(ExportError) -> (range: ExportRange, files: [ExportedFile]) {
    let count = Int(min(Self.mostLanes, max(1, scope.reader.size / eventsInLane)))
    var found = ExportScope.Found()
    var told: Set<EventID> = []
    // Of each lane, what each part of the log put there.
    var lanes: [[Lane]] = Array(repeating: [], count: count)
    for divided in try divide(into: count) {
      found.add(divided.found)
      told.formUnion(divided.told)
      for (index, lane) in divided.lanes.enumerated() { lanes[index].append(lane) }
    }
    guard let last = found.last, let range = scope.range(of: found) else { throw .noEvents }
    let horizon = scope.point?.time ?? last.time
    try sink.begin(range)
    let maker = sink.maker
    let rows = try makeRows(of: lanes, by: horizon, maker)
    try Self.merge(rows, into: &sink)
    try writeFindings(told, maker, to: &sink)
    return (range, try sink.finish(range))
  }

  private func capacity(of lanes: Int) -> Int { max(1 << 12, min(1 << 17, Self.waiting / lanes)) }

  /// What was read of a part of the log.
  private struct Divided {
    var found = ExportScope.Found()
    /// The told events that findings are of.
    var told: Set<EventID> = []
    var lanes: [Lane] = []
  }

  private func divide(into count: Int) throws(ExportError) -> [Divided] {
    let room = ScratchRoom(scratch)
    let named = Set(findings.map(\.event))
    let parts = scope.parts(Self.mostParts)
    let scope = Handed(scope)
    let capacity = capacity(of: count)
    return try doing(parts.count, by: workers) { (part) throws(ExportError) in
      let splitter = Splitter(count, capacity: capacity, in: room)
      var divided = Divided()
      var told: Set<EventID> = []
      divided.found = try scope.value.forEachLine(in: parts[part]) {
        (id, line, isTold) throws(ExportError) in
        if isTold, named.contains(id) { told.insert(id) }
        try splitter.take(id, line, isTold: isTold)
      }
      divided.told = told
      divided.lanes = splitter.lanes
      return divided
    }
  }

  /// Of each lane, its rows as `maker` makes them, each behind its event's id.
  private func makeRows(
    of lanes: [[Lane]], by horizon: Instant, _ maker: some RowMaker
  ) throws(ExportError) -> [Lane] {
    let room = ScratchRoom(scratch)
    let capacity = capacity(of: lanes.count)
    let user = scope.user
    let lanes = Handed(lanes)
    return try doing(lanes.value.count, by: workers) { (lane) throws(ExportError) in
      var made = Lane(capacity: capacity, in: room)
      var maker = maker
      var bytes: [UInt8] = []
      let (history, events) = try Self.history(of: lanes.value[lane])
      var rows = TableRows(history, by: horizon, user: user)
      // By index: a loop over the events would copy each.
      for index in events.indices {
        let id = events[index].id
        try rows.make(of: events[index]) { (row, table) throws(ExportError) in
          bytes.removeAll(keepingCapacity: true)
          unsafe withUnsafeBytes(of: id.littleEndian) { unsafe bytes.append(contentsOf: $0) }
          maker.append(row, of: table, to: &bytes)
          if bytes.count > 8 { try made.append(UInt8(table.number), unsafe bytes.span.bytes) }
        }
      }
      return made
    }
  }

  private static func history(
    of lanes: [Lane]
  ) throws(ExportError) -> (history: DispatchHistory, told: [Event]) {
    let decoder = EventDecoder()
    var history = DispatchHistory()
    var told: [Event] = []
    for lane in lanes {
      var reader = lane.reader()
      while try reader.read() {
        let event: Event
        do {
          event = try decoder.event(
            of: unsafe reader.buffer.span.bytes.extracting(reader.record))
        } catch {
          let line = Array(reader.buffer[reader.record])
          throw .audit(.unreadableEvent((try? Envelope(decoding: line))?.id ?? 0, error))
        }
        history.take(event)
        if reader.tag == 1, TableRows.hasRows(event.payload) { told.append(event) }
      }
    }
    return (history, told)
  }

  /// Hands over the rows of all lanes by their events; no two lanes have one in common.
  private static func merge<Sink: ExportSink>(
    _ lanes: consuming [Lane], into sink: inout Sink
  ) throws(ExportError) {
    var readers: [LaneReader] = []
    var queue = PlaceQueue()
    for lane in lanes {
      var reader = lane.reader()
      guard try reader.read() else { continue }
      queue.insert(reader.number, place: readers.count)
      readers.append(reader)
    }
    while let (event, place) = queue.least {
      var next: EventID? = event
      while next == event {
        try sink.take(
          readers[place].buffer[readers[place].record.dropFirst(8)],
          of: ExportTable.all[Int(readers[place].tag)])
        next = try readers[place].read() ? readers[place].number : nil
      }
      queue.replaceLeast(by: next)
    }
  }

  private func writeFindings<Sink: ExportSink>(
    _ told: Set<EventID>, _ maker: Sink.Maker, to sink: inout Sink
  ) throws(ExportError) {
    var (row, maker, bytes) = (ExportRow(), maker, [] as [UInt8])
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
        bytes.removeAll(keepingCapacity: true)
        maker.append(row, of: .findings, to: &bytes)
        if !bytes.isEmpty { try sink.take(bytes[...], of: .findings) }
      }
      if finding.differences.isEmpty { try add(nil) }
      for difference in finding.differences { try add(difference) }
    }
  }
}

/// Which of many readers has the least event next: a heap of these.
private struct PlaceQueue {
  private var heap: [(event: EventID, place: Int)] = []

  var least: (event: EventID, place: Int)? { heap.first }

  mutating func insert(_ event: EventID, place: Int) {
    heap.append((event, place))
    var child = heap.count - 1
    while child > 0, heap[child].event < heap[(child - 1) / 2].event {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  /// Lets the reader of the least have another event next, or none.
  mutating func replaceLeast(by event: EventID?) {
    if let event {
      heap[0].event = event
    } else {
      heap.swapAt(0, heap.count - 1)
      heap.removeLast()
    }
    var parent = 0
    while 2 * parent + 1 < heap.count {
      var child = 2 * parent + 1
      if child + 1 < heap.count, heap[child + 1].event < heap[child].event { child += 1 }
      guard heap[child].event < heap[parent].event else { return }
      heap.swapAt(child, parent)
      parent = child
    }
  }
}

/// Puts each event where its dispatch's others are.
private final class Splitter {
  private(set) var lanes: [Lane]
  private var reader = EnvelopeReader()

  init(_ count: Int, capacity: Int, in room: ScratchRoom) {
    lanes = (0..<count).map { _ in Lane(capacity: capacity, in: room) }
  }

  private static let dispatch = Array("dispatch/".utf8)
  private static let program = Array("program.".utf8)
  private static let unmatched = Array(EventType.deliveryUnmatched.rawValue.utf8)

  func take(_ id: EventID, _ line: RawSpan, isTold: Bool) throws(ExportError) {
    guard let view = reader.read(line) else {
      do {
        _ = try Envelope(decoding: unsafe line.withUnsafeBytes { unsafe Array($0) })
      } catch {
        throw .audit(.unreadableEvent(id, error))
      }
      return
    }
    let tag: UInt8 = isTold ? 1 : 0
    if line.starts(Self.dispatch, in: view.subject) {
      var checksum = CRC32C()
      checksum.update(line.extracting(view.subject))
      try lanes[Int(checksum.value) % lanes.count].append(tag, line)
    } else if line.starts(Self.program, in: view.type) {
      // Lead times and channels: every dispatch may be of any program.
      for index in lanes.indices { try lanes[index].append(0, line) }
    } else if line.starts(Self.unmatched, in: view.type) {
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
