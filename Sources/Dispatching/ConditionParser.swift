import Bytes
import Events

/// Parses a condition by recursive descent; what it costs follows the text's length.
struct ConditionParser {
  private let bytes: [UInt8]
  private var tokens: [Token] = []
  private var next = 0
  private var depth = 0
  private var tests = 0

  /// A run of the text: an operator, a parenthesis, a comma, or a word.
  private struct Token {
    let text: String
    let start: Int
    let end: Int
    var isWord: Bool { !"<>=!(),".utf8.contains(text.utf8.first ?? 0) }
  }

  init(_ text: String) throws(ConditionError) {
    bytes = Array(text.utf8)
    guard bytes.count <= Condition.sizeLimit else {
      throw ConditionError(
        position: TextPosition(line: 1, column: 1),
        problem: .tooLarge(limit: Condition.sizeLimit))
    }
    var index = 0
    while index < bytes.count {
      let start = index
      let byte = bytes[index]
      if " \t\r\n".utf8.contains(byte) {
        index += 1
        continue
      }
      index += 1
      if "<>!".utf8.contains(byte) {
        if index < bytes.count, bytes[index] == UInt8(ascii: "=") { index += 1 }
      } else if isUnitByte(byte) {
        while index < bytes.count, isUnitByte(bytes[index]) { index += 1 }
      }
      tokens.append(
        Token(text: String(decoding: bytes[start..<index], as: UTF8.self), start: start, end: index)
      )
    }
  }

  mutating func parse() throws(ConditionError) -> Condition.Node {
    let node = try alternatives()
    guard next == tokens.count else { throw unexpected("\"and\", \"or\" or the end") }
    return node
  }

  private mutating func alternatives() throws(ConditionError) -> Condition.Node {
    var parts = [try conjunction()]
    while take("or") { parts.append(try conjunction()) }
    return parts.count == 1 ? parts[0] : .or(parts)
  }

  private mutating func conjunction() throws(ConditionError) -> Condition.Node {
    var parts = [try negation()]
    while take("and") { parts.append(try negation()) }
    return parts.count == 1 ? parts[0] : .and(parts)
  }

  private mutating func negation() throws(ConditionError) -> Condition.Node {
    let start = next
    if take("not") {
      try descend(from: start)
      let inner = try negation()
      depth -= 1
      return .not(inner)
    }
    if take("(") {
      try descend(from: start)
      let inner = try alternatives()
      guard take(")") else { throw unexpected("\"and\", \"or\" or \")\"") }
      depth -= 1
      return inner
    }
    if take("never") { return .never }
    let subject = try test()
    tests += 1
    guard tests <= Condition.testLimit else {
      throw failure(at: start, .tooManyTests(limit: Condition.testLimit))
    }
    return .test(Condition.Test(text: text(from: start), subject: subject))
  }

  private mutating func descend(from token: Int) throws(ConditionError) {
    depth += 1
    guard depth <= Condition.depthLimit else {
      throw failure(at: token, .tooDeep(limit: Condition.depthLimit))
    }
  }

  private mutating func test() throws(ConditionError) -> Condition.Test.Subject {
    if take("time") {
      try require("in")
      return .window(try window(), try zone())
    }
    if take("day") {
      try require("in")
      return .days(try days(), try zone())
    }
    guard let word = peek, word.isWord, isSignalName(word.text), let signal = EntityID(word.text)
    else { throw unexpected("a signal's name, \"time\", \"day\", \"never\", \"not\" or \"(\"") }
    next += 1
    guard let sign = peek, let relation = Condition.Relation(rawValue: sign.text) else {
      throw unexpected("one of < <= > >= = !=")
    }
    next += 1
    guard let number = peek, let bound = DecimalText(number.text) else {
      throw unexpected("a decimal number")
    }
    next += 1
    var unit: String?
    if let word = peek, word.isWord, !["and", "or"].contains(where: { sameBytes($0, word.text) }) {
      guard isUnit(word.text) else { throw unexpected("a unit, \"and\", \"or\" or the end") }
      unit = word.text
      next += 1
    }
    return .comparison(
      Condition.Comparison(signal: signal, relation: relation, bound: bound, unit: unit))
  }

  /// `16:00-20:00`.
  private mutating func window() throws(ConditionError) -> Condition.ClockWindow {
    var scanner = FieldScanner(Array((peek?.text ?? "").utf8))
    guard let fromHour = scanner.digits(2), scanner.take(":"),
      let fromMinute = scanner.digits(2), scanner.take("-"), let toHour = scanner.digits(2),
      scanner.take(":"), let toMinute = scanner.digits(2), scanner.isAtEnd,
      fromHour < 24, fromMinute < 60, toMinute < 60, toHour * 60 + toMinute <= 1_440,
      fromHour * 60 + fromMinute != toHour * 60 + toMinute
    else { throw unexpected("a window such as 16:00-20:00, up to 24:00") }
    next += 1
    return Condition.ClockWindow(
      from: fromHour * 3_600 + fromMinute * 60, to: toHour * 3_600 + toMinute * 60)
  }

  /// `mon-fri, sun`; Monday is 0.
  private mutating func days() throws(ConditionError) -> Set<Int> {
    var days: Set<Int> = []
    repeat {
      let parts = (peek?.text ?? "").utf8
        .split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        .map { part in dayWords.firstIndex { $0.utf8.elementsEqual(part) } }
      guard let first = parts.first ?? nil, let last = parts.last ?? nil, parts.count <= 2 else {
        throw unexpected("days such as mon-fri or sat")
      }
      var day = first
      days.insert(day)
      while day != last {
        day = (day + 1) % 7
        days.insert(day)
      }
      next += 1
    } while take(",")
    return days
  }

  private mutating func zone() throws(ConditionError) -> ZoneName {
    guard let word = peek, word.isWord, let zone = ZoneName(word.text),
      !conditionWords.contains(where: { sameBytes($0, word.text) })
    else { throw unexpected("a time zone such as America/New_York") }
    next += 1
    return zone
  }

  private var peek: Token? { next < tokens.count ? tokens[next] : nil }

  private mutating func take(_ text: String) -> Bool {
    guard let token = peek, sameBytes(token.text, text) else { return false }
    next += 1
    return true
  }

  private mutating func require(_ text: String) throws(ConditionError) {
    guard take(text) else { throw unexpected("\"\(text)\"") }
  }

  /// The tokens from `start` on with one space between them.
  private func text(from start: Int) -> String {
    tokens[start..<next].map(\.text).joined(separator: " ")
  }

  private func unexpected(_ expected: String) -> ConditionError {
    failure(at: next, .expected(expected, found: peek?.text ?? ""))
  }

  private func failure(at token: Int, _ problem: ConditionError.Problem) -> ConditionError {
    let offset = token < tokens.count ? tokens[token].start : bytes.count
    return ConditionError(position: TextPosition(offset: offset, in: bytes), problem: problem)
  }
}
