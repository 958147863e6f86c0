import Bytes

/// Reads one command line from its front to its end, in the manner of GNU's `getopt_long`.
///
/// Stricter than GNU where a slip would do harm: names must be exact, an option isn't given twice,
/// and what looks like an option is never taken as the value of the one before it (so that
/// `--key --test` can't send a real notice). A dash followed by a digit or point is a number.
struct ArgumentParser<World> {
  enum Outcome {
    case run(CommandEntry<World>, Invocation)
    case showHelp
    case showVersion
  }

  private let table: CommandTable<World>
  private let environment: (String) -> String?
  private var rest: ArraySlice<String>
  /// The words that name a command, as far as they are read.
  private(set) var path: [String] = []
  private var entry: CommandEntry<World>?
  private var words: [String] = []
  private var given: [String: [String]] = [:]
  private var optionsEnded = false
  /// Whether an option of the present command was read: then no more words of a path follow.
  private var isSettled = false

  init(
    _ arguments: [String], table: CommandTable<World>, environment: @escaping (String) -> String?
  ) {
    self.table = table
    self.environment = environment
    rest = arguments[...]
  }

  mutating func parse() throws(UsageError) -> Outcome {
    while let token = rest.popFirst() {
      if optionsEnded || !looksLikeOption(token) {
        try take(word: token)
      } else if sameBytes(token, "--") {
        optionsEnded = true
      } else if token.utf8.starts(with: "--".utf8) {
        try take(long: token)
      } else {
        try take(bundle: token)
      }
      // Asked for before anything that is still missing, so that a half-typed line can ask.
      if given[StandardOption.help.parameter.name] != nil { return .showHelp }
      if given[StandardOption.version.parameter.name] != nil { return .showVersion }
    }
    return try finish()
  }

  private mutating func take(word: String) throws(UsageError) {
    let children = table.children(of: path).map(\.name)
    let isArgument = isSettled || optionsEnded
    if entry == nil || (words.isEmpty && !isArgument),
      let child = children.first(where: { sameBytes($0, word) })
    {
      path.append(child)
      entry = table.entry(at: path)
    } else if let entry, isArgument || children.isEmpty || !entry.arguments.isEmpty {
      words.append(word)
    } else {
      let elsewhere = table.entries.map(\.path).filter {
        $0.last.map { sameBytes($0, word) } == true
      }
      let near = suggestions(for: word, among: children)
      throw .unknownCommand(
        (path + [word]).joined(separator: " "),
        suggestions: (near.map { path + [$0] } + elsewhere).map { $0.joined(separator: " ") })
    }
  }

  private mutating func take(long token: String) throws(UsageError) {
    let spelled = token.utf8.dropFirst(2)
    let end = spelled.firstIndex(of: UInt8(ascii: "="))
    let name = String(Substring(spelled[..<(end ?? spelled.endIndex)]))
    let inlineValue = end.map { String(Substring(spelled[spelled.index(after: $0)...])) }
    guard let option = visibleOptions.first(where: { sameBytes($0.name, name) }) else {
      throw unknown(option: "--\(name)", meant: name)
    }
    if option.kind == .option {
      try take(option, text: inlineValue)
    } else if let inlineValue {
      throw .unexpectedValue(flag: "--\(name)", value: inlineValue)
    } else {
      take(flag: option)
    }
  }

  private mutating func take(bundle token: String) throws(UsageError) {
    var letters = token.unicodeScalars.dropFirst()
    var isFirst = true
    while let letter = letters.popFirst() {
      guard let option = visibleOptions.first(where: { $0.short == letter }) else {
        let meant = String(token.unicodeScalars.dropFirst())
        throw isFirst
          ? unknown(option: token, meant: meant)
          : unknown(option: "-\(letter)", in: token, meant: meant)
      }
      isFirst = false
      if option.kind == .option {
        return try take(option, text: letters.isEmpty ? nil : String(Substring(letters)))
      }
      take(flag: option)
    }
  }

  private mutating func take(flag: Parameter) {
    given[flag.name] = [""]
    settle(flag)
  }

  private mutating func take(_ option: Parameter, text inlineValue: String?) throws(UsageError) {
    let name = "--\(option.name)"
    if inlineValue == nil, rest.first.map(looksLikeOption) != false {
      throw .missingValue(option: name, placeholder: option.placeholder, next: rest.first)
    }
    guard let text = inlineValue ?? rest.popFirst() else { return }
    try check(text, of: option, called: "'\(name)'")
    if given[option.name] != nil, case .repeated = option.occurrence {
      given[option.name]?.append(text)
    } else if given.updateValue([text], forKey: option.name) != nil {
      throw .givenTwice(option: name)
    }
    settle(option)
  }

  private mutating func settle(_ option: Parameter) {
    if !table.globals.contains(where: { $0.name == option.name }) { isSettled = true }
  }

  private mutating func finish() throws(UsageError) -> Outcome {
    guard let entry else { throw .missingCommand }
    var words = self.words[...]
    for argument in entry.arguments {
      let isRepeated = if case .repeated = argument.occurrence { true } else { false }
      let texts = Array(isRepeated ? words : words.prefix(1))
      words = words.dropFirst(texts.count)
      for text in texts {
        if sameBytes(text, "-"), !argument.takesStandardInput {
          throw .notFromStandardInput(argument: argument.name)
        }
        try check(text, of: argument, called: argument.name)
      }
      guard texts.count >= argument.occurrence.least else {
        throw .missingArgument(argument.label)
      }
      given[argument.name] = texts
    }
    if let surplus = words.first { throw .surplusArgument(surplus) }
    for option in visibleOptions where given[option.name] == nil {
      if let variable = option.environment, let text = environment(variable), !text.isEmpty {
        try check(text, of: option, called: variable)
        given[option.name] = [text]
      } else if option.occurrence == .required {
        throw .missingOption(option.label)
      } else {
        given[option.name] = []
      }
    }
    return .run(entry, Invocation(path: path, texts: given))
  }

  private var visibleOptions: [Parameter] { table.globals + (entry?.options ?? []) }

  private func check(
    _ text: String, of parameter: Parameter, called owner: String
  ) throws(UsageError) {
    guard !parameter.accepts(text) else { return }
    throw .invalidValue(
      of: owner, text: text, expectation: parameter.expectation,
      suggestions: suggestions(for: text, among: parameter.choices))
  }

  private func unknown(
    option spelling: String, in bundle: String? = nil, meant name: String
  ) -> UsageError {
    let near = suggestions(for: name, among: visibleOptions.map(\.name))
    return .unknownOption(spelling, bundle: bundle, suggestions: near.map { "--\($0)" })
  }
}

extension Parameter.Occurrence {
  /// How many times at least.
  var least: Int {
    switch self {
    case .required: 1
    case .optional: 0
    case .repeated(let atLeast): atLeast
    }
  }
}

/// Whether a token is an option or `--`: a dash, and after it neither nothing nor a number.
func looksLikeOption(_ token: String) -> Bool {
  var bytes = token.utf8.makeIterator()
  guard bytes.next() == UInt8(ascii: "-"), let second = bytes.next() else { return false }
  return second != UInt8(ascii: ".") && decimalValue(second) == nil
}
