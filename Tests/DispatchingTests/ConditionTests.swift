import Bytes
import Dispatching
import Events
import Simulation
import Testing

@Suite("Conditions")
struct ConditionTests {
  @Test(
    "What the grammar has is taken",
    arguments: [
      "a < 1", "a<=1", "_a-b9 >= -0.5 USD/MWh", "a = 1 and b != 2 or not c > 3",
      "not not (a < 1)", "((a < 1))", "never", "a < 1 %", "a < 1 €/MWh and never",
      "time in 16:00-20:00 America/New_York", "time in 22:00-06:00 UTC", "time in 00:00-24:00 UTC",
      "day in mon-fri America/New_York", "day in fri-mon, wed UTC", " a\n<\t1 ",
      "time_in < 1", "Time < 1", "a < 1 inch",
    ])
  func accepted(text: String) throws {
    #expect(try Condition(parsing: text).text == text)
  }

  static let refusals: [(String, Int, String, String)] = [
    ("", 1, "", "a signal's name, \"time\", \"day\", \"never\", \"not\" or \"(\""),
    ("and", 1, "and", "a signal's name, \"time\", \"day\", \"never\", \"not\" or \"(\""),
    ("1a < 2", 1, "1a", "a signal's name, \"time\", \"day\", \"never\", \"not\" or \"(\""),
    ("a", 2, "", "one of < <= > >= = !="),
    ("a == 1", 4, "=", "a decimal number"),
    ("a ! 1", 3, "!", "one of < <= > >= = !="),
    ("a < b", 5, "b", "a decimal number"),
    ("a < 01", 5, "01", "a decimal number"),
    ("a < 1.", 5, "1.", "a decimal number"),
    ("a < 1e3", 5, "1e3", "a decimal number"),
    ("a < -0", 5, "-0", "a decimal number"),
    ("a < 1 MW x", 10, "x", "\"and\", \"or\" or the end"),
    ("a < 1 not", 7, "not", "a unit, \"and\", \"or\" or the end"),
    ("a < 1 and", 10, "", "a signal's name, \"time\", \"day\", \"never\", \"not\" or \"(\""),
    ("(a < 1", 7, "", "\"and\", \"or\" or \")\""),
    ("a < 1)", 6, ")", "\"and\", \"or\" or the end"),
    ("()", 2, ")", "a signal's name, \"time\", \"day\", \"never\", \"not\" or \"(\""),
    ("time 16:00-20:00 UTC", 6, "16:00-20:00", "\"in\""),
    ("time in 16:00 - 20:00 UTC", 9, "16:00", "a window such as 16:00-20:00, up to 24:00"),
    ("time in 16:00-24:01 UTC", 9, "16:00-24:01", "a window such as 16:00-20:00, up to 24:00"),
    ("time in 24:00-02:00 UTC", 9, "24:00-02:00", "a window such as 16:00-20:00, up to 24:00"),
    ("time in 16:60-20:00 UTC", 9, "16:60-20:00", "a window such as 16:00-20:00, up to 24:00"),
    ("time in 16:00-16:00 UTC", 9, "16:00-16:00", "a window such as 16:00-20:00, up to 24:00"),
    ("time in 16:00-20:00", 20, "", "a time zone such as America/New_York"),
    ("time in 16:00-20:00 and a < 1", 21, "and", "a time zone such as America/New_York"),
    ("day in monday UTC", 8, "monday", "days such as mon-fri or sat"),
    ("day in mon-tue-wed UTC", 8, "mon-tue-wed", "days such as mon-fri or sat"),
    ("day in mon, UTC", 13, "UTC", "days such as mon-fri or sat"),
    ("day in mon a/", 12, "a/", "a time zone such as America/New_York"),
    ("a < \"1\"", 5, "\"", "a decimal number"),
  ]

  @Test("What it hasn't is refused with the place, what stands there and what should")
  func refused() {
    for (text, column, found, expected) in Self.refusals {
      #expect(
        refusal(text)
          == ConditionError(
            position: TextPosition(line: 1, column: column),
            problem: .expected(expected, found: found)), "\(text)")
    }
    #expect(refusal("é < 1")?.position.column == 1)
    #expect(refusal("a < 1 é é")?.position.column == 9)
    #expect(refusal("a < 1 and\n b ? 2")?.position == TextPosition(line: 2, column: 4))
    #expect(refusal("a <")?.text == "at 1:4 it ends where a decimal number should be")
  }

  private func refusal(_ text: String) -> ConditionError? {
    do throws(ConditionError) {
      _ = try Condition(parsing: text)
      return nil
    } catch { return error }
  }

  @Test("Length, depth and number of tests have limits, and what fits them is taken")
  func limits() throws {
    let spaces = String(repeating: " ", count: 4_096 - 5)
    _ = try Condition(parsing: "a < 1" + spaces)
    #expect(refusal("a < 1 " + spaces)?.problem == .tooLarge(limit: 4_096))
    let tests = Array(repeating: "a < 1", count: 64).joined(separator: " and ")
    _ = try Condition(parsing: tests)
    #expect(refusal(tests + " or a < 1")?.problem == .tooManyTests(limit: 64))
    for word in ["not ", "("] {
      let end = word == "(" ? ")" : ""
      func nested(_ depth: Int) -> String {
        String(repeating: word, count: depth) + "a < 1" + String(repeating: end, count: depth)
      }
      _ = try Condition(parsing: nested(16))
      let error = try #require(refusal(nested(17)))
      #expect(error.problem == .tooDeep(limit: 16))
      #expect(error.position.column == 16 * word.count + 1)
    }
  }

  @Test("Decimals are compared exactly, however many digits they have")
  func decimals() throws {
    let cases = [
      ("0.1", "<", "0.10000000000000000000000000000000000001", true),
      ("0.1", "=", "0.100", true), ("-1", "<", "-0.5", true), ("-0.5", "<", "-1", false),
      ("9007199254740993", "=", "9007199254740992", false),
      (
        "99999999999999999999999999999999999999", "<", "100000000000000000000000000000000000000",
        true
      ),
      ("-2", ">=", "-2.0", true), ("2", "!=", "2.00", false), ("0", "=", "0.0", true),
      ("0", ">", "-0.0000000000000000000000000000000000001", true), ("10", "<", "9", false),
    ]
    for (value, relation, bound, holds) in cases {
      let condition = try Condition(parsing: "a \(relation) \(bound)")
      var reading = ConditionReading(now: .minute(0))
      reading.observations[try id("a")] = try observation(value)
      #expect(
        condition.evaluate(reading) == (holds ? .holds : .fails), "\(value) \(relation) \(bound)")
    }
  }

  private func observation(_ value: String, unit: String? = nil) throws -> Observation {
    Observation(
      event: 7, recordedAt: .minute(0), at: .minute(0), value: try #require(DecimalText(value)),
      unit: unit)
  }

  @Test("A margin moves each bound to where the condition holds longer, beneath not the other way")
  func margins() throws {
    let cases = [
      ("a <= 10", "12", true), ("a <= 10", "12.01", false), ("a < 10", "12", false),
      ("a >= 10", "8", true), ("a >= 10", "7.99", false), ("a > 10", "8", false),
      ("not a <= 10", "8.01", true), ("not a <= 10", "8", false),
      ("not a >= 10", "11.99", true), ("not a >= 10", "12", false),
      ("not not a <= 10", "12", true), ("a = 10", "11", false), ("a != 10", "10", false),
      ("a <= -1", "1", true), ("a <= -1", "1.0001", false),
    ]
    for (text, value, holds) in cases {
      var reading = ConditionReading(now: .minute(0))
      reading.observations[try id("a")] = try observation(value)
      reading.margin = DecimalText("2")
      #expect(
        try Condition(parsing: text).evaluate(reading) == (holds ? .holds : .fails),
        "\(text) of \(value)")
    }
  }

  @Test("No observation, a stale one, or one in another unit is no data, and the trace says so")
  func data() throws {
    let condition = try Condition(
      parsing: "a  <= 42.5\nUSD/MWh or b < 1 or time in 00:00-12:00 UTC")
    let staleAfter = try #require(ISODuration("PT15M"))
    let steps = try steps(condition, "USD/MWh", 15, staleAfter)
    #expect(
      steps == [
        TraceStep(
          comparison: "a <= 42.5 USD/MWh", result: .holds, signal: 7, value: DecimalText("41.75")),
        TraceStep(comparison: "b < 1", result: .noData),
        TraceStep(comparison: "time in 00:00-12:00 UTC", result: .holds),
      ])
    #expect(try self.steps(condition, "EUR/MWh", 15, staleAfter)[0].result == .noData)
    #expect(try self.steps(condition, nil, 15, staleAfter)[0].result == .noData)
    #expect(try self.steps(condition, "USD/MWh", 16, staleAfter)[0].result == .noData)
    #expect(try self.steps(condition, "USD/MWh", 16, staleAfter)[0].signal == 7)
  }

  private func steps(
    _ condition: Condition, _ unit: String?, _ minute: Int, _ staleAfter: ISODuration
  ) throws -> [TraceStep] {
    var reading = ConditionReading(
      now: .minute(minute), zones: [try #require(ZoneName("UTC")): .utc], staleAfter: staleAfter)
    reading.observations[try id("a")] = try observation("41.75", unit: unit)
    return condition.trace(reading)
  }

  @Test("Windows and days follow the zone's clocks over a gap and a fold")
  func clocks() throws {
    let zone = try #require(ZoneName("America/New_York"))
    let zones = [zone: try TestZones.rules("America/New_York")]
    let cases = [
      // Set forward at 2:00 on 2026-03-08: the window between is never open.
      ("time in 02:00-03:00 America/New_York", "2026-03-08T06:59:59Z", false),
      ("time in 02:00-03:00 America/New_York", "2026-03-08T07:00:00Z", false),
      ("time in 01:30-03:30 America/New_York", "2026-03-08T07:29:59Z", true),
      ("time in 01:30-03:30 America/New_York", "2026-03-08T07:30:00Z", false),
      // Set back at 2:00 on 2026-11-01: the hour comes twice, and the window with it.
      ("time in 01:00-02:00 America/New_York", "2026-11-01T05:00:00Z", true),
      ("time in 01:00-02:00 America/New_York", "2026-11-01T06:59:59Z", true),
      ("time in 01:00-02:00 America/New_York", "2026-11-01T07:00:00Z", false),
      ("time in 22:00-06:00 America/New_York", "2026-07-02T01:59:59Z", false),
      ("time in 22:00-06:00 America/New_York", "2026-07-02T02:00:00Z", true),
      ("time in 22:00-06:00 America/New_York", "2026-07-02T10:00:00Z", false),
      ("day in mon America/New_York", "2026-11-23T04:59:59Z", false),
      ("day in mon America/New_York", "2026-11-23T05:00:00Z", true),
      ("day in sat-sun America/New_York", "2026-11-23T04:59:59Z", true),
      ("day in fri-mon America/New_York", "2026-11-25T12:00:00Z", false),
    ]
    for (text, time, holds) in cases {
      let reading = ConditionReading(now: try Instant(time), zones: zones)
      #expect(
        try Condition(parsing: text).evaluate(reading) == (holds ? .holds : .fails),
        "\(text) at \(time)")
    }
  }

  @Test(
    "Random conditions come to what a naive evaluator says", arguments: 1...amount(40, long: 2_000))
  func random(seed: Int) throws {
    var random = SeededRandom(seed: UInt64(seed))
    for _ in 0..<50 {
      let world = NaiveWorld(&random)
      let naive = NaiveCondition(depth: Int.random(in: 0...4, using: &random), &random)
      let condition = try Condition(parsing: naive.text)
      var reading = ConditionReading(
        now: .minute(world.minute), zones: try world.zones(),
        staleAfter: ISODuration("PT\(NaiveWorld.staleMinutes)M"))
      for (name, seen) in world.signals {
        reading.observations[try id(name)] = Observation(
          event: 1, recordedAt: .minute(0), at: .minute(world.minute - seen.age),
          value: try #require(DecimalText(NaiveWorld.text(ofHundredths: seen.hundredths))),
          unit: seen.unit)
      }
      let expected = [ComparisonResult.fails, .noData, .holds][naive.value(world)]
      #expect(condition.evaluate(reading) == expected, "seed \(seed): \(naive.text) in \(world)")
      #expect(condition.trace(reading).count == naive.testCount)
    }
  }
}

/// What a naive evaluator knows: hundredths as integers, minutes as integers.
private struct NaiveWorld {
  static let staleMinutes = 10
  /// After 2026-11-23T00:00:00Z, a Monday.
  let minute: Int
  var signals: [String: (hundredths: Int, unit: String?, age: Int)] = [:]

  init(_ random: inout SeededRandom) {
    minute = Int.random(in: 0..<20_160, using: &random)
    for name in ["a", "b", "c"] where Int.random(in: 0..<4, using: &random) > 0 {
      signals[name] = (
        Int.random(in: -150...150, using: &random),
        random.one(of: [nil, "MW", "USD/MWh"]),
        Int.random(in: 0...13, using: &random)
      )
    }
  }

  func zones() throws -> [ZoneName: ZoneRules] {
    [
      try #require(ZoneName("UTC")): .utc,
      try #require(ZoneName("East/Two")): .fixed(offsetSeconds: 7_200),
    ]
  }

  static func text(ofHundredths number: Int) -> String {
    let (whole, rest) = (abs(number) / 100, abs(number) % 100)
    return (number < 0 ? "-" : "") + "\(whole)"
      + (rest == 0 ? "" : rest < 10 ? ".0\(rest)" : ".\(rest)")
  }
}

/// A condition that is its own evaluator: 0 fails, 1 has no data, 2 holds.
private indirect enum NaiveCondition {
  case compare(String, String, Int, String?)
  case window(Int, Int, hours: Int)
  case days(Int, Int, hours: Int)
  case not(NaiveCondition)
  case both(NaiveCondition, NaiveCondition)
  case either(NaiveCondition, NaiveCondition)

  init(depth: Int, _ random: inout SeededRandom) {
    switch depth == 0
      ? Int.random(in: 0..<6, using: &random) : Int.random(in: 6..<9, using: &random)
    {
    case 0:
      self = .window(
        Int.random(in: 0..<700, using: &random), Int.random(in: 700..<1_440, using: &random),
        hours: random.one(of: [0, 2]))
    case 1:
      self = .days(
        Int.random(in: 0..<7, using: &random), Int.random(in: 0..<7, using: &random),
        hours: random.one(of: [0, 2]))
    case 2..<6:
      self = .compare(
        random.one(of: ["a", "b", "c"]),
        random.one(of: ["<", "<=", ">", ">=", "=", "!="]),
        Int.random(in: -150...150, using: &random), random.one(of: [nil, "MW"]))
    case 6: self = .not(NaiveCondition(depth: depth - 1, &random))
    case 7:
      self = .both(
        NaiveCondition(depth: depth - 1, &random), NaiveCondition(depth: depth - 1, &random))
    default:
      self = .either(
        NaiveCondition(depth: depth - 1, &random), NaiveCondition(depth: depth - 1, &random))
    }
  }

  var text: String {
    switch self {
    case .compare(let name, let sign, let bound, let unit):
      "\(name) \(sign) \(NaiveWorld.text(ofHundredths: bound))" + (unit.map { " \($0)" } ?? "")
    case .window(let from, let to, let hours):
      "time in \(clock(from))-\(clock(to)) \(hours == 0 ? "UTC" : "East/Two")"
    case .days(let from, let to, let hours):
      "day in \(Self.days[from])-\(Self.days[to]) \(hours == 0 ? "UTC" : "East/Two")"
    case .not(let inner): "not (\(inner.text))"
    case .both(let one, let other): "(\(one.text)) and (\(other.text))"
    case .either(let one, let other): "(\(one.text)) or (\(other.text))"
    }
  }

  private static let days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

  private func clock(_ minute: Int) -> String {
    "\(minute / 600)\(minute / 60 % 10):\(minute % 60 / 10)\(minute % 10)"
  }

  var testCount: Int {
    switch self {
    case .compare, .window, .days: 1
    case .not(let inner): inner.testCount
    case .both(let one, let other), .either(let one, let other): one.testCount + other.testCount
    }
  }

  func value(_ world: NaiveWorld) -> Int {
    switch self {
    case .compare(let name, let sign, let bound, let unit):
      guard let seen = world.signals[name], seen.age <= NaiveWorld.staleMinutes,
        unit == nil || unit == seen.unit
      else { return 1 }
      let holds: [String: Bool] = [
        "<": seen.hundredths < bound, "<=": seen.hundredths <= bound, ">": seen.hundredths > bound,
        ">=": seen.hundredths >= bound, "=": seen.hundredths == bound,
        "!=": seen.hundredths != bound,
      ]
      return holds[sign] == true ? 2 : 0
    case .window(let from, let to, let hours):
      return (from..<to).contains((world.minute + hours * 60) % 1_440) ? 2 : 0
    case .days(let from, let to, let hours):
      let day = (world.minute + hours * 60) / 1_440 % 7
      return (day - from + 7) % 7 <= (to - from + 7) % 7 ? 2 : 0
    case .not(let inner): return 2 - inner.value(world)
    case .both(let one, let other): return min(one.value(world), other.value(world))
    case .either(let one, let other): return max(one.value(world), other.value(world))
    }
  }
}

extension SeededRandom {
  fileprivate mutating func one<Element>(of elements: [Element]) -> Element {
    elements[Int.random(in: elements.indices, using: &self)]
  }
}
