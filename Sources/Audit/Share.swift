import Bytes
import Dispatching
import EventLog
import Events

/// Which dispatches a pass over the log holds: all, or those whose ids hash into its share.
struct Share: Sendable {
  /// From 0.
  let number: Int
  /// How many there are.
  let count: Int
  static let whole = Share(number: 0, of: 1)

  init(number: Int, of count: Int) {
    self.number = number
    self.count = count
  }

  /// Whether it is the one that deals with what belongs to no dispatch.
  var isFirst: Bool { number == 0 }
  var isWhole: Bool { count == 1 }

  func holds(_ id: EntityID) -> Bool {
    isWhole ? true : unsafe holds(id.text.utf8.span.bytes)
  }

  func holds(_ name: RawSpan) -> Bool { Self.hash(name) % UInt64(count) == UInt64(number) }

  /// Whether the key of a call is this share's: by its spelling in a line.
  func holds(key: String) -> Bool {
    if isWhole { return true }
    var bytes: [UInt8] = []
    appendCanonicalString(key, to: &bytes)
    return unsafe holds(bytes.span.bytes.extracting(1..<bytes.count - 1))
  }

  /// Which dispatch a name is, for choosing; two may have the same.
  static func hash(_ name: RawSpan) -> UInt64 {
    var hash = UInt64(name.byteCount)
    var offset = 0
    while offset < name.byteCount {
      hash = (hash ^ name.word(at: offset)) &* 0x9E37_79B9_7F4A_7C15
      hash ^= hash >> 32
      offset += 8
    }
    return hash
  }
}

/// What is known of a whole log before its dispatches are divided.
struct Foresight: Sendable {
  private(set) var asked = Elsewhere()
  /// One bit an event: which are attempts.
  private var attempts: [UInt64] = []

  /// Nothing.
  init() {}

  /// Reads the log as far as it can be read; whoever reads it next says what can't.
  init(_ reader: LogReader, at point: HistoryPoint?) {
    var envelopes = EnvelopeReader()
    let decoder = EventDecoder()
    guard var lines = try? HistoryLines(reader, at: point) else { return }
    func look(_ line: RawSpan, _ id: EventID, _ isFirst: Bool) {
      guard let view = envelopes.read(line),
        let type = EventType(line.extracting(view.type))
      else { return }
      if type == .notificationAttempted { insert(id) }
      if Elsewhere.types.contains(type), let event = try? decoder.event(of: line) {
        asked.take(event)
      }
    }
    while (try? lines.read(look)) != nil {}
  }

  private mutating func insert(_ id: EventID) {
    let word = Int(id / 64)
    if word >= attempts.count {
      attempts += repeatElement(0, count: word + 1 - attempts.count)
    }
    attempts[word] |= 1 << (id % 64)
  }

  /// Whether the event is an attempt, of whichever dispatch.
  func isAttempt(_ id: EventID) -> Bool {
    id / 64 < UInt64(attempts.count) && attempts[Int(id / 64)] & 1 << (id % 64) != 0
  }
}

/// The lines of a history, commit after commit.
struct HistoryLines {
  private var cursor: HistoryCursor
  private var bytes: [UInt8] = []
  /// The last line that was shown.
  private(set) var last: [UInt8] = []

  init(_ reader: LogReader, at point: HistoryPoint?) throws(AuditError) {
    cursor = try HistoryCursor(reader, to: point)
  }

  /// Shows the next commit's lines, without their newlines, and whether each is its first.
  ///
  /// - Returns: The commit; `nil` after the last one.
  mutating func read(
    _ body: (_ line: RawSpan, _ id: EventID, _ isFirst: Bool) throws(AuditError) -> Void
  ) throws(AuditError) -> CommitLine? {
    bytes.removeAll(keepingCapacity: true)
    guard let commit = try cursor.readCommit(appendingTo: &bytes) else { return nil }
    var (start, id) = (0, commit.first)
    while let end = firstIndex(
      of: UInt8(ascii: "\n"), in: bytes.span, from: start, to: bytes.count)
    {
      try body(unsafe bytes.span.bytes.extracting(start..<end), id, id == commit.first)
      if id + 1 == commit.end { last = Array(bytes[start..<end]) }
      start = end + 1
      id += 1
    }
    return commit
  }
}

extension EnvelopeView {
  /// Where the id of the dispatch stands whose stream the line belongs to.
  func dispatchName(in line: RawSpan) -> Range<Int>? {
    let stream: StaticString = "dispatch/"
    let start = subject.lowerBound + stream.utf8CodeUnitCount
    guard start < subject.upperBound, line.holds(stream, in: subject.lowerBound..<start) else {
      return nil
    }
    return start..<subject.upperBound
  }
}
