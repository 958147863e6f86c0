/// A manual page in mdoc, made from the same table as the help (mdoc(7), man-pages(7)).
struct ManualPage<World> {
  let table: CommandTable<World>
  private var lines: [String] = []

  init(_ table: CommandTable<World>) { self.table = table }

  /// The page of the whole program, or of one command with what stands under it.
  static func lines(of table: CommandTable<World>, path: [String]) -> [String] {
    var page = ManualPage(table)
    page.open(path)
    page.describeCommands(under: path)
    page.request("Sh GLOBAL OPTIONS")
    page.list(table.globals)
    page.describeEnvironment(path)
    if path.isEmpty {
      for topic in table.topics where topic.name != HelpTopic.exitCodes.name {
        // ENVIRONMENT is a section that every manual has; the others mustn't sound like one.
        let isStandard = topic.name == "environment"
        page.request("Sh \(isStandard ? "" : "ABOUT ")\(topic.name.uppercased())")
        page.text(topic.text)
      }
    }
    page.describeExitStatus()
    let examples = path.isEmpty ? table.examples : table.entry(at: path)?.examples ?? []
    if !examples.isEmpty {
      page.request("Sh EXAMPLES")
      page.literal(examples.flatMap { ["# \($0.purpose)", $0.line] })
    }
    page.request("Sh SEE ALSO")
    page.text("'\(table.name) help' says the same on a terminal, command by command.")
    return page.lines
  }

  private mutating func open(_ path: [String]) {
    let name = ([table.name] + path).joined(separator: "-")
    let entry = table.entry(at: path)
    lines.append(#".\" Made by '\#(table.name) man' of release \#(table.version)."#)
    request("Dd \(table.released)")
    request("Dt \(name.uppercased()) 1")
    request("Os")
    request("Sh NAME")
    request("Nm \(name)")
    request("Nd \(macroText(lowered(path.isEmpty ? table.summary : table.summary(of: path))))")
    request("Sh SYNOPSIS")
    request("Nm \(table.name)")
    for word in path { request("Cm \(word)") }
    if let entry {
      usage(of: entry)
    } else {
      request("Ar COMMAND")
      request("Op Ar options")
    }
    request("Sh DESCRIPTION")
    text((path.isEmpty ? table.summary : table.summary(of: path)) + ".")
    if let details = entry?.details, !details.isEmpty {
      request("Pp")
      text(details)
    }
    if let entry {
      list(entry.arguments + entry.options)
    }
  }

  /// A program's commands section by section; what stands under a command of several words.
  private mutating func describeCommands(under path: [String]) {
    if path.isEmpty {
      for section in table.sections {
        request("Sh \(section.title.uppercased()) COMMANDS")
        for entry in section.entries { describe(entry) }
      }
      return
    }
    let below = table.entries.filter { $0.path.count > path.count && $0.path.starts(with: path) }
    if !below.isEmpty { request("Sh COMMANDS") }
    for entry in below { describe(entry) }
  }

  private mutating func describe(_ entry: CommandEntry<World>) {
    request("Ss \(macroText(entry.path.joined(separator: " ")))")
    request("Nm \(table.name)")
    for word in entry.path { request("Cm \(word)") }
    usage(of: entry)
    request("Pp")
    text(entry.summary + ".")
    if !entry.details.isEmpty {
      request("Pp")
      text(entry.details)
    }
    list(entry.arguments + entry.options)
    if !entry.examples.isEmpty {
      request("Pp")
      literal(entry.examples.flatMap { ["# \($0.purpose)", $0.line] })
    }
  }

  private mutating func usage(of entry: CommandEntry<World>) {
    if let own = entry.usage {
      for word in own.split(separator: " ") { request("Ar \(macroText(String(word)))") }
      return
    }
    for parameter in entry.arguments + entry.options {
      switch parameter.occurrence {
      case .required: request(macros(for: parameter))
      case .repeated(let atLeast) where atLeast > 0: request(macros(for: parameter) + " ...")
      case .optional: request("Op " + macros(for: parameter))
      case .repeated: request("Op " + macros(for: parameter) + " ...")
      }
    }
  }

  /// How a parameter is written: `Ar FILE|-`, `Fl -key Ar KEY`.
  private func macros(for parameter: Parameter, withLetter: Bool = false) -> String {
    let letter = withLetter ? parameter.short.map { "Fl \($0) , " } ?? "" : ""
    let value = parameter.takesStandardInput ? "|-" : ""
    return switch parameter.kind {
    case .argument: "Ar \(macroText(parameter.label))"
    case .option:
      letter + "Fl -\(parameter.name) Ar \(macroText(parameter.placeholder + value))"
    case .flag: letter + "Fl -\(parameter.name)"
    }
  }

  private mutating func list(_ parameters: [Parameter]) {
    guard !parameters.isEmpty else { return }
    request("Bl -tag -width Ds")
    for parameter in parameters {
      request("It " + macros(for: parameter, withLetter: true))
      text(parameter.help + "." + remarks(on: parameter))
    }
    request("El")
  }

  private func remarks(on parameter: Parameter) -> String {
    var remarks = ""
    if !parameter.choices.isEmpty {
      remarks += " One of " + parameter.choices.joined(separator: ", ") + "."
    }
    if let text = parameter.defaultText { remarks += " The default is '\(text)'." }
    if let variable = parameter.environment {
      remarks += " \(variable) in the environment gives it, too."
    }
    if parameter.kind == .option {
      if parameter.occurrence == .required { remarks += " It must be given." }
      if parameter.isRepeated { remarks += " It may be given more than once." }
    }
    return remarks
  }

  private mutating func describeEnvironment(_ path: [String]) {
    let named = (table.globals + (table.entry(at: path)?.options ?? []))
      .filter { $0.environment != nil }
    guard !named.isEmpty, !path.isEmpty else { return }
    request("Sh ENVIRONMENT")
    request("Bl -tag -width Ds")
    for parameter in named {
      request("It Ev \(parameter.environment ?? "")")
      text("What --\(parameter.name) says where that isn't given.")
    }
    request("El")
  }

  private mutating func describeExitStatus() {
    request("Sh EXIT STATUS")
    request("Bl -tag -width Ds")
    for status in ExitStatus.allCases {
      request("It \(status.rawValue)")
      text(status.meaning + ".")
    }
    request("El")
  }

  // MARK: - Lines of mdoc

  private mutating func request(_ line: String) { lines.append("." + line) }

  /// Paragraphs as the help has them: an empty line between, and what is indented left as it is.
  private mutating func text(_ text: String) {
    let all = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    for (index, paragraph) in all.split(separator: "").enumerated() {
      if paragraph.allSatisfy({ $0.hasPrefix(" ") }) {
        literal(paragraph.map { String($0.drop { $0 == " " }) })
        continue
      }
      if index > 0 { request("Pp") }
      fill(paragraph.joined(separator: " "))
    }
  }

  /// A new line after each sentence, and none longer than 78 bytes, as mandoc wants it.
  private mutating func fill(_ text: String) {
    var line = ""
    for word in text.split(separator: " ") {
      let escaped = escape(String(word), isLiteral: false)
      if !line.isEmpty, line.utf8.count + 1 + escaped.utf8.count > 78 {
        lines.append(line)
        line = ""
      }
      // What begins a line with a point or an apostrophe would be a request.
      let isRequest = line.isEmpty && (escaped.first == "." || escaped.first == "'")
      line += (line.isEmpty ? "" : " ") + (isRequest ? "\\&" : "") + escaped
      if let last = word.last(where: { !")'\"".contains($0) }), ".?!".contains(last) {
        lines.append(line)
        line = ""
      }
    }
    if !line.isEmpty { lines.append(line) }
  }

  private mutating func literal(_ texts: [String]) {
    // A display has an empty line before it anyway.
    if lines.last == ".Pp" { lines.removeLast() }
    request("Bd -literal -offset indent")
    for text in texts {
      let escaped = escape(text, isLiteral: true)
      let isRequest = escaped.first == "." || escaped.first == "'"
      lines.append((isRequest ? "\\&" : "") + escaped)
    }
    request("Ed")
  }

  /// Text after a macro: what could be a macro's name or a delimiter itself is told apart.
  private func macroText(_ text: String) -> String {
    text.split(separator: " ").map { (word: Substring) -> String in
      let escaped = escape(String(word), isLiteral: false)
      let isDelimited = word.last.map { ".,:;)]?!".contains($0) } ?? false
      return (word.count <= 3 ? "\\&" : "") + escaped + (isDelimited ? "\\&" : "")
    }.joined(separator: " ")
  }

  /// A text in which nothing means anything to roff; a literal one can be copied and pasted.
  private func escape(_ text: String, isLiteral: Bool) -> String {
    var escaped = ""
    for scalar in terminalSafe(text).unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\e"
      case "-" where isLiteral || escaped.isEmpty || escaped.hasSuffix("\\-"): escaped += "\\-"
      case "'" where isLiteral: escaped += "\\(aq"
      case "`" where isLiteral: escaped += "\\(ga"
      case "^": escaped += "\\(ha"
      case "~": escaped += "\\(ti"
      case _ where scalar.isASCII: escaped.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        escaped += "\\[u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + "]"
      }
    }
    return escaped
  }

  private func lowered(_ text: String) -> String { text.prefix(1).lowercased() + text.dropFirst() }
}
