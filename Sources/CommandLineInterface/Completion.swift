import Bytes

/// A word that may stand where a line is completed, and what it means.
package struct Candidate: Hashable, Sendable {
  package let text: String
  package let meaning: String

  package init(_ text: String, _ meaning: String = "") {
    self.text = text
    self.meaning = meaning
  }
}

/// What a parameter's values are, for the completion of half-typed lines.
///
/// It follows from how the help calls them, so that a new command says nothing twice.
package enum CompletedValue: Hashable, Sendable {
  /// One of the choices that the parameter lists.
  case choice
  case file
  case directory
  /// What the ledger has of a kind: `dispatch`, `user`, `program`.
  case thing(String)
  /// Of the kind that the argument before says.
  case thingOfGivenKind
  /// A shell, a command or topic: what the table itself knows.
  case subject
  /// A text that nobody can guess.
  case free
}

extension CommandEntry {
  /// What the values of one of this command's parameters are.
  package func completedValue(of parameter: Parameter) -> CompletedValue {
    if !parameter.choices.isEmpty { return .choice }
    let name = parameter.kind == .argument ? parameter.name : parameter.placeholder
    switch name {
    case "FILE", "NOTE", "VKEY", "PATH", "MANIFEST": return .file
    case "DIR", "DEST", "BACKUP", "ARCHIVE", "A", "B": return .directory
    case "DISPATCH": return .thing("dispatch")
    case "USER": return .thing("user")
    case "SIGNAL": return .thing("signal")
    case "TYPE": return .thing("type")
    case "SUBJECT": return .subject
    case "KEY" where ["vkey", "log"].contains(parameter.name): return .file
    case "ID" where parameter.kind == .argument && path == ["template", "preview"]:
      return .thing("template")
    case "ID" where parameter.kind == .argument && path == ["hold", "release"]:
      return .thing("hold")
    case "ID" where parameter.kind == .argument && arguments.contains { $0.name == "KIND" }:
      return .thingOfGivenKind
    case "ID" where ["dispatch", "user", "program"].contains(parameter.name):
      return .thing(parameter.name)
    default: return .free
    }
  }
}

/// What the shell is told to offer.
struct CompletionAnswer: Hashable {
  var candidates: [Candidate] = []
  /// Names of files as well; the shell knows them best.
  var offersFiles = false
  var offersDirectories = false

  /// A candidate a line, a tab before its meaning; `:file` and `:directory` for the shell's own.
  var lines: [String] {
    (offersFiles ? [":file"] : []) + (offersDirectories ? [":directory"] : [])
      + candidates.map { candidate in
        let meaning = terminalSafe(candidate.meaning)
        return terminalSafe(candidate.text) + (meaning.isEmpty ? "" : "\t\(meaning)")
      }
  }
}

/// Completes the last word of a half-typed line, by the same table and rules that will read it.
struct Completer<World> {
  private let table: CommandTable<World>
  private let environment: (String) -> String?
  /// What the ledger in a directory has of a kind.
  private let things: (_ kind: String, _ ledger: String) -> [Candidate]
  private var path: [String] = []
  private var arguments: [String] = []
  private var given: [String: String] = [:]
  /// The option whose value comes next.
  private var pending: Parameter?
  private var optionsEnded = false
  private var isSettled = false

  init(
    _ table: CommandTable<World>, environment: @escaping (String) -> String?,
    things: @escaping (_ kind: String, _ ledger: String) -> [Candidate]
  ) {
    self.table = table
    self.environment = environment
    self.things = things
  }

  /// - Parameter words: The line without the program's name; the last one is completed, and may be
  ///   empty.
  mutating func answer(to words: [String]) -> CompletionAnswer {
    for word in words.dropLast() { read(word) }
    let current = words.last ?? ""
    if let pending, !looksLikeOption(current) { return values(of: pending, beginningWith: current) }
    guard !optionsEnded, current.utf8.starts(with: "-".utf8) else {
      return offered(beginningWith: current)
    }
    if let sign = current.firstIndex(of: "="), current.utf8.starts(with: "--".utf8) {
      let label = String(current[...sign])
      guard let option = option(named: String(label.dropFirst(2).dropLast())) else {
        return CompletionAnswer()
      }
      var answer = values(of: option, beginningWith: String(current[sign...].dropFirst()))
      answer.candidates = answer.candidates.map { Candidate(label + $0.text, $0.meaning) }
      return answer
    }
    return CompletionAnswer(
      candidates: options.filter { option in
        if case .repeated = option.occurrence { return true }
        return given[option.name] == nil
      }.map { Candidate("--\($0.name)", $0.help) }.filter { begins($0, with: current) })
  }

  // MARK: - What stands before

  private mutating func read(_ word: String) {
    if let option = pending {
      pending = nil
      if !looksLikeOption(word) {
        given[option.name] = word
        return
      }
    }
    if optionsEnded || !looksLikeOption(word) {
      read(argument: word)
    } else if sameBytes(word, "--") {
      optionsEnded = true
    } else if word.utf8.starts(with: "--".utf8) {
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1)
      guard let name = parts.first, let option = option(named: String(name)) else { return }
      read(option, value: parts.count > 1 ? String(parts[1]) : nil)
    } else {
      var letters = word.unicodeScalars.dropFirst()
      while let letter = letters.popFirst(),
        let option = options.first(where: { $0.short == letter })
      {
        let isValue = option.kind == .option && !letters.isEmpty
        read(option, value: isValue ? String(Substring(letters)) : nil)
        if isValue { return }
      }
    }
  }

  private mutating func read(_ option: Parameter, value: String?) {
    if !table.globals.contains(where: { $0.name == option.name }) { isSettled = true }
    if option.kind == .option, value == nil { pending = option }
    given[option.name] = value ?? ""
  }

  private mutating func read(argument word: String) {
    let isName = arguments.isEmpty && !isSettled && !optionsEnded
    if isName, let child = table.children(of: path).first(where: { sameBytes($0.name, word) }) {
      path.append(child.name)
    } else {
      arguments.append(word)
    }
  }

  private var entry: CommandEntry<World>? { table.entry(at: path) }

  private var options: [Parameter] { table.globals + (entry?.options ?? []) }

  private func option(named name: String) -> Parameter? {
    options.first { sameBytes($0.name, name) }
  }

  // MARK: - What may follow

  private func offered(beginningWith start: String) -> CompletionAnswer {
    var answer = CompletionAnswer()
    if let entry {
      let declared = entry.arguments
      if let argument = declared.indices.contains(arguments.count)
        ? declared[arguments.count] : declared.last(where: \.isRepeated)
      {
        answer = values(of: argument, beginningWith: start)
      }
    }
    if arguments.isEmpty, !isSettled, !optionsEnded {
      answer.candidates += children(of: path).filter { begins($0, with: start) }
    }
    return answer
  }

  private func children(of path: [String]) -> [Candidate] {
    table.children(of: path).map { Candidate($0.name, $0.summary) }
  }

  private func values(
    of parameter: Parameter, beginningWith start: String
  ) -> CompletionAnswer {
    let entry = entry ?? CommandEntry("", "", takes: [], action: .showHelp)
    var answer = CompletionAnswer()
    switch entry.completedValue(of: parameter) {
    case .choice: answer.candidates = parameter.choices.map { Candidate($0) }
    case .file: answer.offersFiles = true
    case .directory: answer.offersDirectories = true
    case .thing(let kind): answer.candidates = things(kind, ledger)
    case .thingOfGivenKind: answer.candidates = arguments.first.map { things($0, ledger) } ?? []
    case .subject:
      answer.candidates = children(of: arguments)
      if arguments.isEmpty {
        answer.candidates += table.topics.map { Candidate($0.name, $0.summary) }
      }
    case .free: break
    }
    answer.candidates.removeAll { !begins($0, with: start) }
    return answer
  }

  private func begins(_ candidate: Candidate, with start: String) -> Bool {
    candidate.text.utf8.starts(with: start.utf8)
  }

  /// The directory of the ledger that the line is about; the shell hasn't expanded a tilde yet.
  private var ledger: String {
    let option = table.globals.first { $0.name == "ledger" }
    let text =
      given["ledger"] ?? option?.environment.flatMap(environment) ?? option?.defaultText ?? "."
    guard text.utf8.starts(with: "~/".utf8), let home = environment("HOME") else { return text }
    return home + text.dropFirst()
  }
}

extension Parameter {
  var isRepeated: Bool { if case .repeated = occurrence { true } else { false } }
}
