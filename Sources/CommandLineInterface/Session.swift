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
  private var paging = Paging.never
  private var progress: Progress?

  /// Whether output goes to the terminal itself or to a pager on it.
  private enum Paging {
    case never
    /// What was written fits on the screen so far, and is held back.
    case undecided(command: String)
    case on(Pager, command: String)
  }

  init(
    programName: String, console: Console, wantsJSON: Bool, isQuiet: Bool = false,
    color: ColorChoice = .auto, isPaged: Bool = false
  ) {
    self.programName = programName
    self.console = console
    self.wantsJSON = wantsJSON
    self.isQuiet = isQuiet
    coloursOutput = color.isOn(console.outputIsTerminal, environment: console.environment)
    coloursTalk = color.isOn(console.talkIsTerminal, environment: console.environment)
    if isPaged, console.outputIsTerminal, console.environment("TERM") != "dumb" {
      let command = console.environment("PAGER") ?? "less"
      if !command.isEmpty, command != "cat" { paging = .undecided(command: command) }
    }
  }

  /// Writes one line of data; a newline within it is escaped like any control.
  package mutating func print(_ line: String, style: Style? = nil) throws(CommandFailure) {
    try write(Array((styled(terminalSafe(line), style, isOn: coloursOutput) + "\n").utf8))
  }

  /// Writes a word that stands out, and in the column beside it a text that doesn't.
  package mutating func print(
    _ word: String, style: Style, beside text: String, column: Int
  ) throws(CommandFailure) {
    let space = String(repeating: " ", count: max(1, column - displayWidth(word)))
    let line = styled(terminalSafe(word), style, isOn: coloursOutput) + space + terminalSafe(text)
    try write(Array((line + "\n").utf8))
  }

  mutating func print(lines: [String]) throws(CommandFailure) {
    for line in lines { try print(line) }
  }

  /// Writes lines as they are, for another program to read.
  mutating func write(text lines: [String]) throws(CommandFailure) {
    for line in lines { try write(Array((line + "\n").utf8)) }
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

  /// Hands everything that was written to standard output; what may yet go to a pager waits.
  package mutating func flush() throws(CommandFailure) {
    if case .undecided(let command) = paging {
      guard isLongerThanScreen(pending) else { return }
      // A pager that can't be started at all is as good as none.
      paging = console.startPager(command).map { .on($0, command: command) } ?? .never
    }
    guard !pending.isEmpty else { return }
    let bytes = pending
    pending = []
    do {
      switch paging {
      case .on(let pager, _):
        progress?.finish()
        try pager.output(bytes)
      case .never, .undecided:
        if console.outputIsTerminal { progress?.clear() }
        try console.output(bytes)
      }
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

  /// Writes from now on without a pager, as what has no end must be.
  package mutating func stopPaging() throws(CommandFailure) {
    if case .undecided = paging { paging = .never }
    try flush()
  }

  private func isLongerThanScreen(_ bytes: [UInt8]) -> Bool {
    var (lines, columns) = (0, 0)
    for byte in bytes {
      // Of a character of several bytes only the first one counts.
      if byte & 0xC0 != 0x80 { columns += 1 }
      if byte == UInt8(ascii: "\n") || columns > console.width {
        (lines, columns) = (lines + 1, 0)
        // One line is for the prompt that comes after.
        if lines >= console.height { return true }
      }
    }
    return false
  }

  /// Waits until the reader of a pager has seen enough.
  ///
  /// - Returns: Whether there was one; `nil` where it couldn't be run, and nothing was seen.
  mutating func endPaging() -> Bool? {
    guard case .on(let pager, let command) = paging else { return false }
    paging = .never
    if pager.finish() { return true }
    report(
      CommandFailure(
        .unavailable, "the pager '\(command)' can't be run", notDone: "nothing was shown",
        hint: "set PAGER to another one, or use --no-pager"))
    return nil
  }

  /// Begins to tell how far a command has come, where a person watches.
  package mutating func beginProgress(_ label: String, _ unit: Progress.Unit) -> Progress {
    let isWatched = console.talkIsTerminal && !isQuiet && console.environment("TERM") != "dumb"
    let progress = Progress(label, unit, on: console, isShown: isWatched)
    self.progress = progress
    return progress
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
    do {
      if pending.isEmpty { try flush() } else { try stopPaging() }
    } catch {
      deferred = deferred ?? error
    }
    progress?.clear()
    let line = bytes + [UInt8(ascii: "\n")]
    if case .on(let pager, _) = paging, console.talkIsTerminal {
      // What is written beside a pager lands in the middle of its page.
      do { try pager.output(line) } catch {}
    } else {
      do { try console.talk(line) } catch {}
    }
  }

  /// Writes what is left, and throws what failed on the way.
  mutating func finish() throws(CommandFailure) {
    progress?.finish()
    try flush()
    try stopPaging()
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
