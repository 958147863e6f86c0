import Bytes
package import EventLog
import Events

/// Counts the events of a log while it is checked, on all cores; the counts don't depend on how many.
///
/// Another judge notes where each event of its window belongs; this one adds up the windows that hold, in
/// their order.
package final class EventCounter: EventJudge {
  /// What the rows of a count are.
  package enum Key: String, CaseIterable, Sendable {
    case type, dispatch, user, channel
  }

  /// What is counted of a row beside its events; results are by their outcome.
  package enum Column: Int, CaseIterable, Sendable {
    case attempted, suppressed, deferred, acknowledged, unknown
    case accepted, inTransit, delivered, undelivered, failed, expired, cancelled
  }

  /// An event, and where it belongs.
  private struct Noted {
    let id: UInt64
    /// The attempt that it tells of, or ``none``.
    var attempt = none
    var row: UInt32?
    var column: Column?

    static let none = UInt64.max
  }

  private let check: EventCheck
  package let key: Key
  // Of the events since the last window, or of this judge's own.
  private var rows = KeyTable()
  private var noted: [Noted] = []

  // The sums.
  private var total = KeyTable()
  /// For each row its events, and each column.
  private var sums: [UInt64] = []
  private var attempts = AttemptRows()
  private var places: [UInt32] = []
  /// Events of the log that were counted, in a row or not.
  package private(set) var eventCount: UInt64 = 0
  /// Results of attempts that the log doesn't hold, so that nobody knows where they belong.
  package private(set) var strayCount: UInt64 = 0

  private static let width = 1 + Column.allCases.count

  package convenience init(_ identity: LedgerIdentity, by key: Key) {
    self.init(EventCheck(identity), key)
  }

  private init(_ check: EventCheck, _ key: Key) {
    self.check = check
    self.key = key
  }

  // MARK: - Judging

  package func another() -> any EventJudge { EventCounter(check.anotherCheck(), key) }

  package func accepts(_ line: RawSpan, _ id: UInt64, of commit: CommitLine) -> Bool {
    guard let (view, type) = check.view(of: line, id, of: commit) else { return false }
    note(line, view, type, id)
    return true
  }

  package func isNotable(_ line: RawSpan) -> Bool { check.isNotable(line) }
  package func note(_ line: [UInt8], _ id: UInt64) -> ArchiveClaim? { check.note(line, id) }

  package func beginWindow() {
    rows.removeAll()
    noted.removeAll(keepingCapacity: true)
  }

  package func forget(from id: UInt64) {
    while let last = noted.last, last.id >= id { noted.removeLast() }
  }

  package func take(_ window: any EventJudge) {
    guard let window = window as? EventCounter else { return }
    addOwn(before: .max)
    add(window, before: .max)
  }

  /// Adds up what is left of the first `size` events.
  package func finish(size: UInt64) { addOwn(before: size) }

  private func note(_ line: RawSpan, _ view: EnvelopeView, _ type: EventType, _ id: UInt64) {
    var event = Noted(id: id)
    switch key {
    case .type: event.row = row(of: view.type, in: line)
    case .dispatch:
      event.row = name(behind: "dispatch/", in: view.subject, of: line)
      event.column = column(of: type, line, view)
    case .user, .channel:
      event.column = column(of: type, line, view)
      // A resolution is long, and has none of them.
      let texts = type == .recipientsResolved ? DataTexts() : check.texts(in: line, view)
      if let range = key == .user ? texts.user : texts.channel {
        event.row = row(of: range, in: line)
      } else if key == .user, let row = name(behind: "user/", in: view.subject, of: line) {
        event.row = row
      } else if type.isOfAttempt, let range = texts.attempt {
        event.attempt = EventID(eventID: line.extracting(range)) ?? Noted.none
      }
    }
    noted.append(event)
  }

  private func row(of range: Range<Int>, in line: RawSpan) -> UInt32 {
    UInt32(rows.row(of: line.extracting(range)))
  }

  private func name(
    behind kind: StaticString, in subject: Range<Int>, of line: RawSpan
  ) -> UInt32? {
    let start = subject.lowerBound + kind.utf8CodeUnitCount
    guard start < subject.upperBound, line.holds(kind, in: subject.lowerBound..<start) else {
      return nil
    }
    return row(of: start..<subject.upperBound, in: line)
  }

  private func column(of type: EventType, _ line: RawSpan, _ view: EnvelopeView) -> Column? {
    switch type {
    case .notificationAttempted: .attempted
    case .notificationSuppressed: .suppressed
    case .notificationDeferred: .deferred
    case .acknowledgementRecorded: .acknowledged
    case .deliveryUnknown: .unknown
    case .deliveryRecorded:
      check.texts(in: line, view).outcome.flatMap { Column(outcome: line.extracting($0)) }
    default: nil
    }
  }

  // MARK: - Adding up

  private func addOwn(before size: UInt64) {
    if noted.isEmpty { return }
    add(self, before: size)
    beginWindow()
  }

  private func add(_ window: EventCounter, before size: UInt64) {
    places.removeAll(keepingCapacity: true)
    for row in 0..<window.rows.count {
      places.append(UInt32(window.rows.withKey(row) { total.row(of: $0) }))
    }
    let width = Self.width
    while sums.count < total.count * width { sums.append(0) }
    for event in window.noted where event.id < size {
      eventCount += 1
      var row = event.row.map { places[Int($0)] }
      if event.attempt != Noted.none {
        row = attempts[event.attempt]
        if row == nil { strayCount += 1 }
      }
      guard let row else { continue }
      if event.column == .attempted, key == .user || key == .channel {
        attempts.add(event.id, row)
      }
      let place = Int(row) * width
      sums[place] += 1
      if let column = event.column { sums[place + 1 + column.rawValue] += 1 }
    }
  }

  // MARK: - What it comes to

  /// The rows that have events, ascending by the bytes of their keys.
  package func sortedRows() -> [Int] {
    (0..<total.count).filter { sums[$0 * Self.width] > 0 }
      .sorted { total.key($0).lexicographicallyPrecedes(total.key($1)) }
  }

  /// A row's key, as JSON spells it between quotes.
  package func name(of row: Int) -> ArraySlice<UInt8> { total.key(row) }

  package func events(of row: Int) -> UInt64 { sums[row * Self.width] }

  package func sum(of row: Int, _ column: Column) -> UInt64 {
    sums[row * Self.width + 1 + column.rawValue]
  }
}

extension EventCounter.Column {
  /// As `EVENTS.md` spells it, and the program with it.
  package var name: String { self == .inTransit ? "in-transit" : "\(self)" }

  private static let outcomes: [(word: StaticString, column: Self)] = [
    ("accepted", .accepted), ("in-transit", .inTransit), ("delivered", .delivered),
    ("undelivered", .undelivered), ("failed", .failed), ("expired", .expired),
    ("cancelled", .cancelled),
  ]

  /// The column of the results with an outcome; `nil` for a word that isn't known.
  fileprivate init?(outcome: RawSpan) {
    for (word, column) in Self.outcomes where outcome.holds(word, in: 0..<outcome.byteCount) {
      self = column
      return
    }
    return nil
  }
}

extension EventType {
  /// Whether it tells of an attempt that it names.
  fileprivate var isOfAttempt: Bool {
    switch self {
    case .deliveryRecorded, .deliveryUnknown, .deliverySettled: true
    default: false
    }
  }
}

/// The rows of attempts by their ids: 4 bytes for each event from the first attempt to the last.
private struct AttemptRows {
  private static let pageBits = 12
  private static let none = UInt32.max
  private var first: UInt64?
  private var pages: [[UInt32]] = []

  /// Adds an attempt, whose id is greater than all before.
  mutating func add(_ id: UInt64, _ row: UInt32) {
    let page = id >> Self.pageBits
    let first = self.first ?? page
    self.first = first
    while UInt64(pages.count) <= page - first { pages.append([]) }
    let index = Int(page - first)
    if pages[index].isEmpty {
      pages[index] = [UInt32](repeating: Self.none, count: 1 << Self.pageBits)
    }
    pages[index][Int(id & (1 << Self.pageBits - 1))] = row
  }

  subscript(id: UInt64) -> UInt32? {
    guard let first, id >> Self.pageBits >= first,
      id >> Self.pageBits - first < UInt64(pages.count)
    else { return nil }
    let page = pages[Int(id >> Self.pageBits - first)]
    guard !page.isEmpty else { return nil }
    let row = page[Int(id & (1 << Self.pageBits - 1))]
    return row == Self.none ? nil : row
  }
}
