import Bytes

extension CommandTable {
  /// What is wrong with the table itself, a sentence each; a test of each program demands none.
  ///
  /// Besides names and help texts, every example is parsed as its reader would type it.
  package var problems: [String] {
    var problems: [String] = []
    for (index, entry) in entries.enumerated() {
      let name = entry.path.joined(separator: " ")
      if entry.path.isEmpty || !entry.path.allSatisfy(isLowerCaseName) {
        problems.append("'\(name)' is no name for a command")
      }
      if entries[..<index].contains(where: { $0.path == entry.path }) {
        problems.append("'\(name)' stands twice in the table")
      }
      if !entry.arguments.isEmpty, !children(of: entry.path).isEmpty {
        problems.append("'\(name)' takes both arguments and commands")
      }
      if case .run = entry.action, entry.examples.isEmpty {
        problems.append("'\(name)' has no example")
      }
      for end in entry.path.indices where summary(of: Array(entry.path[...end])).isEmpty {
        problems.append("'\(entry.path[...end].joined(separator: " "))' has no summary")
      }
      problems += problemsOfParameters(in: entry).map { "'\(name)': \($0)" }
    }
    for example in examples + entries.flatMap(\.examples) {
      if let problem = problem(of: example) { problems.append("'\(example.line)': \(problem)") }
    }
    let sentences =
      [summary] + entries.map(\.summary) + groups.map(\.summary) + topics.map(\.summary)
      + (globals + entries.flatMap(\.parameters)).map(\.help)
    for sentence in sentences where sentence.isEmpty || sentence.last == "." {
      problems.append("'\(sentence)' isn't a sentence without its full stop")
    }
    return problems
  }

  private func problemsOfParameters(in entry: CommandEntry<World>) -> [String] {
    var problems: [String] = []
    let options = globals + entry.options
    for (index, option) in options.enumerated() {
      if !isLowerCaseName(option.name) { problems.append("'--\(option.name)' is no name") }
      if options[..<index].contains(where: { $0.name == option.name }) {
        problems.append("'--\(option.name)' is declared twice")
      }
      if let short = option.short {
        if !short.isASCII || !short.properties.isAlphabetic {
          problems.append("'-\(short)' isn't a letter")
        }
        if options[..<index].contains(where: { $0.short == short }) {
          problems.append("'-\(short)' is declared twice")
        }
      }
      if let text = option.defaultText, !option.accepts(text) {
        problems.append("'--\(option.name)' doesn't take its own default '\(text)'")
      }
    }
    let arguments = entry.arguments
    for (index, argument) in arguments.enumerated() {
      if argument.name != argument.name.uppercased() {
        problems.append("\(argument.name) isn't in capitals")
      }
      guard index > 0 else { continue }
      if arguments[..<index].contains(where: { $0.name == argument.name }) {
        problems.append("\(argument.name) is declared twice")
      }
      switch arguments[index - 1].occurrence {
      case .required: break
      case .optional:
        if argument.occurrence == .required {
          problems.append("\(argument.name) must be given, but follows one that may be left out")
        }
      case .repeated: problems.append("\(argument.name) follows one that takes all that is left")
      }
    }
    return problems
  }

  /// Why the part of an example that calls this program wouldn't be understood.
  private func problem(of example: Example) -> String? {
    for words in shellCommands(in: example.line) where words.first == name {
      var parser = ArgumentParser(Array(words.dropFirst()), table: self) { _ in nil }
      do {
        _ = try parser.parse()
        return nil
      } catch {
        return error.text
      }
    }
    return "doesn't call \(name)"
  }

  private func isLowerCaseName(_ name: String) -> Bool {
    !name.isEmpty && name.first != "-"
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || byte == UInt8(ascii: "-")
          || decimalValue(byte) != nil
      }
  }
}

/// The commands of a shell line without variables: words, quotes, pipes, lists and redirections.
func shellCommands(in line: String) -> [[String]] {
  var commands: [[String]] = [[]]
  var word: String?
  var quote: Character?
  for character in line + " " {
    if let open = quote {
      if character == open { quote = nil } else { word?.append(character) }
    } else if character == "'" || character == "\"" {
      quote = character
      word = word ?? ""
    } else if " |&;<>".contains(character) {
      if let finished = word { commands[commands.count - 1].append(finished) }
      word = nil
      // What follows a redirection is a file, which as a command of its own harms nothing here.
      if character != " " { commands.append([]) }
    } else {
      word = (word ?? "") + String(character)
    }
  }
  return commands.filter { !$0.isEmpty }
}
