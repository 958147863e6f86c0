package import Bytes

/// What a handler speaks through: data to standard output, talk to standard error.
///
/// All text is made safe for a terminal on its way out (``terminalSafe(_:)``); only ``write(_:)``
/// and JSON go out as they are. Output is buffered, and stands before any talk that comes after it.
package struct Session {
  package let programName: String
  package let console: Console
  /// Whether `--json` was given: answer with ``print(json:)`` and with nothing else.
  package let wantsJSON: Bool
  private let isQuiet: Bool
  private let coloursOutput: Bool
  private let coloursTalk: Bool
  private var pending: [UInt8] = []
  /// A failure of standard output that came to light while talking.
  private var deferred: CommandFailure?

  init(
    programName: String, console: Console, wantsJSON: Bool, isQuiet: Bool = false,
    color: ColorChoice = .auto
  ) {
    self.programName = programName
    self.console = console
    self.wantsJSON = wantsJSON
    self.isQuiet = isQuiet
    coloursOutput = color.isOn(console.outputIsTerminal, environment: console.environment)
    coloursTalk = color.isOn(console.talkIsTerminal, environment: console.environment)
  }

  /// Writes one line of data; a newline within it is escaped like any control.
  package mutating func print(_ line: String, style: Style? = nil) throws(CommandFailure) {
    try write(Array((styled(terminalSafe(line), style, isOn: coloursOutput) + "\n").utf8))
  }

  mutating func print(lines: [String]) throws(CommandFailure) {
    for line in lines { try print(line) }
  }

  /// Writes a table, cut to the width of the terminal; a file or pipe gets it whole.
  package mutating func print(_ table: Table) throws(CommandFailure) {
    for line in table.lines(width: console.outputIsTerminal ? console.width : nil) {
      try print(line.text, style: line.style)
    }
  }

  /// Writes names and values beneath each other.
  package mutating func print(_ block: KeyValueBlock) throws(CommandFailure) {
    try print(lines: block.lines)
  }

  /// Writes one JSON object in canonical form, with `"v":1` added, and a newline.
  package mutating func print(json object: JSONObject) throws(CommandFailure) {
    var object = object
    object["v"] = 1
    try write(JSON.object(object).canonicalBytes + [UInt8(ascii: "\n")])
  }

  /// Writes bytes to standard output as they are.
  package mutating func write(_ bytes: [UInt8]) throws(CommandFailure) {
    pending += bytes
    if pending.count >= 65_536 { try flush() }
  }

  /// Hands everything that was written to standard output.
  package mutating func flush() throws(CommandFailure) {
    guard !pending.isEmpty else { return }
    let bytes = pending
    pending = []
    do {
      try console.output(bytes)
    } catch {
      switch error {
      case .readerIsGone: throw .readerIsGone
      case .failed(let code):
        throw CommandFailure(
          .inputOutput, "standard output can't be written (system error \(code))",
          notDone: "the answer is incomplete")
      }
    }
  }

  /// Remarks on standard error, unless `--quiet` was given.
  package mutating func note(_ line: String) {
    if !isQuiet { talk(line) }
  }

  /// Warns on standard error.
  package mutating func warn(_ line: String) {
    talk("warning: \(line)", prefixStyle: .doubtful)
  }

  /// Prints why the program ends.
  ///
  /// - Parameter usage: Where the call was wrong, the line that says how to call.
  /// - Parameter help: And the command that says more, in quotes.
  mutating func report(_ failure: CommandFailure, usage: String? = nil, help: String? = nil) {
    // Nobody reads any more (as when piped into `head`): that isn't worth a line.
    if failure == .readerIsGone { return }
    if wantsJSON {
      let hint = failure.hint ?? help.map { "see \($0)" }
      return talk(bytes: failure.json(hint: hint).canonicalBytes)
    }
    talk(failure.message, prefixStyle: .bad)
    if let hint = failure.hint { talk(line: "hint: \(hint)") }
    if let usage { talk(line: usage) }
    if let help { talk(line: "See \(help).") }
  }

  /// Writes a line to standard error without the program's name.
  mutating func talk(line: String) {
    talk(bytes: Array(terminalSafe(line).utf8))
  }

  private mutating func talk(_ text: String, prefixStyle: Style? = nil) {
    let prefix = styled("\(programName):", prefixStyle, isOn: coloursTalk)
    talk(bytes: Array("\(prefix) \(terminalSafe(text))".utf8))
  }

  private mutating func talk(bytes: [UInt8]) {
    // A failure of standard output comes back at the end; one of standard error can't be told.
    do { try flush() } catch { deferred = deferred ?? error }
    do { try console.talk(bytes + [UInt8(ascii: "\n")]) } catch {}
  }

  /// Writes what is left, and throws what failed on the way.
  mutating func finish() throws(CommandFailure) {
    try flush()
    if let deferred { throw deferred }
  }

  private func styled(_ text: String, _ style: Style?, isOn: Bool) -> String {
    guard isOn, let style else { return text }
    return "\u{1B}[\(style.rawValue)m\(text)\u{1B}[0m"
  }
}

extension CommandFailure {
  /// Whoever read standard output went away; it ends a command, and isn't told.
  package static let readerIsGone = CommandFailure(
    .inputOutput, "the reader of standard output is gone")
}

extension ColorChoice {
  /// Whether a stream is coloured: by choice, else by the customs of https://no-color.org and
  /// https://bixense.com/clicolors, else where it is a terminal that knows colour.
  func isOn(_ isTerminal: Bool, environment: (String) -> String?) -> Bool {
    func isSet(_ name: String) -> Bool { environment(name).map { !$0.isEmpty } ?? false }
    switch self {
    case .always: return true
    case .never: return false
    case .auto:
      if isSet("NO_COLOR") { return false }
      if isSet("CLICOLOR_FORCE"), environment("CLICOLOR_FORCE") != "0" { return true }
      return isTerminal && environment("TERM") != "dumb"
    }
  }
}
