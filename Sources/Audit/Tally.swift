import Bytes
import Events

/// Where in a recheck something was found: passes over parts of the dispatches find it in this order.
struct Place: Comparable {
  /// In which order an event is dealt with, and the end of the log.
  enum Step: Int {
    /// What the commit before it lacks.
    case closing
    /// Its clock and its key.
    case sequence
    /// Which resolutions it interrupts; at the end, which have none.
    case interruption
    /// What should have fired before it.
    case unfired
    /// The event itself; at the end, whom nobody was told for.
    case judgement
    case books
  }

  /// The event that was dealt with; the greatest number at the end of the log.
  var event: EventID = 0
  var step = Step.closing
  /// Within the step.
  var rank: Int64 = 0
  /// Of what has the same rank.
  var name = ""

  static func < (one: Place, other: Place) -> Bool {
    (one.event, one.step.rawValue, one.rank, one.name)
      < (other.event, other.step.rawValue, other.rank, other.name)
  }
}

/// Findings, notes and how much was looked at.
struct Tally {
  /// As many findings, and as many notes, are listed; all are counted.
  static let limit = 1_000

  /// Where what is found next is found.
  var place = Place()
  /// Events that were looked at.
  var examined = 0
  /// Events that the rules make just so.
  var rechecked = 0
  /// Events that this program has no rules for, by type.
  private(set) var unjudged: [EventType: Int] = [:]
  /// Events that follow from what can't be made again.
  var followers = 0
  /// Events decided by rules that this program doesn't have, by their number.
  var foreignDeciders: [Int: Int] = [:]
  private var foundAt: [(place: Place, finding: Finding)] = []
  private(set) var findingCount = 0
  private var notedAt: [(place: Place, note: Note)] = []
  private(set) var noteCount = 0

  var findings: [Finding] { foundAt.map(\.finding) }
  var notes: [Note] { notedAt.map(\.note) }

  mutating func add(_ finding: Finding) {
    findingCount += 1
    if foundAt.count < Self.limit { foundAt.append((place, finding)) }
  }

  mutating func add(_ note: Note) {
    noteCount += 1
    if notedAt.count < Self.limit { notedAt.append((place, note)) }
  }

  mutating func count(unjudged type: EventType) { unjudged[type, default: 0] += 1 }

  /// Adds what another pass over the same log found.
  mutating func add(_ other: Tally) {
    examined += other.examined
    rechecked += other.rechecked
    followers += other.followers
    unjudged.merge(other.unjudged, uniquingKeysWith: +)
    foreignDeciders.merge(other.foreignDeciders, uniquingKeysWith: +)
    findingCount += other.findingCount
    noteCount += other.noteCount
    foundAt = Self.first(foundAt + other.foundAt) { $0.place }
    notedAt = Self.first(notedAt + other.notedAt) { $0.place }
  }

  /// As many as are listed, by their places; of the same place as they stand.
  private static func first<Found>(_ all: [Found], _ place: (Found) -> Place) -> [Found] {
    let ordered = all.enumerated().sorted { one, other in
      let (left, right) = (place(one.element), place(other.element))
      return left == right ? one.offset < other.offset : left < right
    }
    return ordered.prefix(limit).map(\.element)
  }
}

/// Runs of commits whose clock was behind.
struct ClockSteps {
  private var run: (first: EventID, last: EventID, worst: Int64)?

  /// Takes in an event.
  ///
  /// - Returns: The note on a run that has ended before it.
  mutating func take(_ event: Event) -> Note? {
    guard let clock = event.clock else { return finish() }
    let behind = event.time.microseconds - clock.microseconds
    run = (run?.first ?? event.id, event.id, max(run?.worst ?? 0, behind))
    return nil
  }

  mutating func finish() -> Note? {
    guard let ended = run else { return nil }
    run = nil
    return Note(
      first: ended.first, last: ended.last, kind: .clock,
      message: "the clock was behind by up to \(Self.seconds(ended.worst)) s")
  }

  private static func seconds(_ microseconds: Int64) -> String {
    let fraction = String(1_000_000 + microseconds % 1_000_000).dropFirst()
    return "\(microseconds / 1_000_000).\(fraction)"
  }
}
