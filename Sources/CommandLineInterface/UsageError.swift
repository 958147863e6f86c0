/// Why a command line can't be understood.
enum UsageError: Error, Hashable {
  /// The line ends before a command is named.
  case missingCommand
  case unknownCommand(String, suggestions: [String])
  /// Asked of `help`.
  case unknownSubject(String, suggestions: [String])
  /// - Parameter bundle: The letters that it stands among, where it isn't the first of them.
  case unknownOption(String, bundle: String?, suggestions: [String])
  /// - Parameter next: What stands where the value should, and looks like an option.
  case missingValue(option: String, placeholder: String, next: String?)
  case unexpectedValue(flag: String, value: String)
  case givenTwice(option: String)
  case invalidValue(of: String, text: String, expectation: String, suggestions: [String])
  /// `-` for an argument that isn't read from standard input.
  case notFromStandardInput(argument: String)
  case surplusArgument(String)
  case missingArgument(String)
  case missingOption(String)

  var text: String {
    switch self {
    case .missingCommand:
      "a command is missing"
    case .unknownCommand(let name, let suggestions):
      "unknown command \(quoted(name))" + didYouMean(suggestions)
    case .unknownSubject(let name, let suggestions):
      "no command or help topic \(quoted(name))" + didYouMean(suggestions)
    case .unknownOption(let name, let bundle, let suggestions):
      "unknown option \(quoted(name))" + (bundle.map { " in \(quoted($0))" } ?? "")
        + didYouMean(suggestions)
    case .missingValue(let option, let placeholder, nil):
      "'\(option)' needs a value \(placeholder)"
    case .missingValue(let option, let placeholder, let next?):
      "'\(option)' needs a value \(placeholder), but \(quoted(next)) looks like an option; "
        + "write \(quoted("\(option)=\(next)")) if it is the value"
    case .unexpectedValue(let flag, let value):
      "'\(flag)' takes no value, but got \(quoted(value))"
    case .givenTwice(let option):
      "'\(option)' was given twice"
    case .invalidValue(let owner, let text, let expectation, let suggestions):
      "\(owner) can't be \(quoted(text)): it takes \(expectation)" + didYouMean(suggestions)
    case .notFromStandardInput(let argument):
      "\(argument) can't be '-': it isn't read from standard input"
    case .surplusArgument(let text):
      "surplus argument \(quoted(text))"
    case .missingArgument(let name):
      "missing argument \(name)"
    case .missingOption(let label):
      "missing option '\(label)'"
    }
  }
}

/// A user's text between quotes: safe to print, and cut so that the message stays readable.
private func quoted(_ text: String) -> String {
  "'\(truncated(terminalSafe(text), to: 60))'"
}

private func didYouMean(_ suggestions: [String]) -> String {
  guard let last = suggestions.last else { return "" }
  let quoted = suggestions.dropLast().map { "'\($0)'" }.joined(separator: ", ")
  return "; did you mean \(quoted.isEmpty ? "" : quoted + " or ")'\(last)'?"
}
