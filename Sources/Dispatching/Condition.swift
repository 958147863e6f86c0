import Bytes
package import Events

/// A condition over signals and clocks, as `FORMAT.md` §20 writes it.
package struct Condition: Equatable, Sendable {
  /// As it was written.
  package let text: String
  let root: Node

  /// The most bytes of a condition.
  package static let sizeLimit = 4_096
  /// The most `not` and parentheses within each other.
  package static let depthLimit = 16
  /// The most comparisons, windows and days in one condition.
  package static let testLimit = 64

  indirect enum Node: Equatable, Sendable {
    case test(Test)
    case never
    case not(Node)
    case and([Node])
    case or([Node])
  }

  /// What is tested by itself, and gets a step in a trace.
  struct Test: Equatable, Sendable {
    /// As it was written, each run of white space as one space.
    let text: String
    let subject: Subject

    enum Subject: Equatable, Sendable {
      case comparison(Comparison)
      case window(ClockWindow, ZoneName)
      case days(Set<Int>, ZoneName)
    }
  }

  struct Comparison: Equatable, Sendable {
    let signal: EntityID
    let relation: Relation
    let bound: DecimalText
    /// Absent: whatever unit the observation has.
    let unit: String?
  }

  enum Relation: String, Equatable, Sendable, CaseIterable {
    case less = "<"
    case atMost = "<="
    case greater = ">"
    case atLeast = ">="
    case equal = "="
    case unequal = "!="
  }

  /// Seconds of a day, from the first up to but without the second; over midnight where that is the
  /// smaller one.
  struct ClockWindow: Equatable, Sendable {
    let from: Int
    let to: Int

    func contains(_ second: Int) -> Bool {
      from < to ? from <= second && second < to : second >= from || second < to
    }
  }

  /// Parses a condition.
  package init(parsing text: String) throws(ConditionError) {
    var parser = try ConditionParser(text)
    root = try parser.parse()
    self.text = text
  }

  /// Every test, in the order of the text.
  var tests: [Test] {
    var tests: [Test] = []
    func collect(_ node: Node) {
      switch node {
      case .test(let test): tests.append(test)
      case .never: break
      case .not(let inner): collect(inner)
      case .and(let parts), .or(let parts): parts.forEach(collect)
      }
    }
    collect(root)
    return tests
  }

  /// The signals that it reads, each once, by the bytes of their names.
  package var signals: [EntityID] {
    SortedSet(
      tests.compactMap { test in
        if case .comparison(let comparison) = test.subject { comparison.signal } else { nil }
      }
    ).elements
  }

  /// The zones whose clocks it reads, each once.
  package var zones: [ZoneName] {
    var zones: [ZoneName] = []
    for test in tests {
      switch test.subject {
      case .comparison: break
      case .window(_, let zone), .days(_, let zone):
        if !zones.contains(zone) { zones.append(zone) }
      }
    }
    return zones
  }
}

/// Why a text is no condition, where, and what could have stood there.
package struct ConditionError: Error, Hashable, Sendable {
  /// The place in the condition's text.
  package let position: TextPosition
  package let problem: Problem

  package enum Problem: Hashable, Sendable {
    /// What stands there, empty at the end, and what should.
    case expected(String, found: String)
    case tooLarge(limit: Int)
    case tooDeep(limit: Int)
    case tooManyTests(limit: Int)
  }

  package init(position: TextPosition, problem: Problem) {
    self.position = position
    self.problem = problem
  }
}

/// The name of a signal that conditions can read: a letter or `_`, then up to 127 letters, digits,
/// `_` and `-`; no word of the grammar.
package func isSignalName(_ text: String) -> Bool {
  guard let first = text.utf8.first, decimalValue(first) == nil, first != UInt8(ascii: "-"),
    EntityID(text) != nil
  else { return false }
  return !conditionWords.contains { sameBytes($0, text) }
}

/// What a unit may be: 1 to 32 characters, none of them blank, a parenthesis, a comma, a quotation
/// mark or one of the operators; no word of the grammar.
package func isUnit(_ text: String) -> Bool {
  isPrintable(text, limit: 32) && text.utf8.allSatisfy(isUnitByte)
    && !conditionWords.contains { sameBytes($0, text) }
}

func isUnitByte(_ byte: UInt8) -> Bool { byte > 0x20 && !"(),\"'<>=!".utf8.contains(byte) }

let conditionWords = ["and", "or", "not", "in", "time", "day", "never"]
let dayWords = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
