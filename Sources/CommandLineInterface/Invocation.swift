/// One call of a command, checked: every value is there, and of its type.
package struct Invocation: Sendable {
  /// The words that named the command.
  package let path: [String]
  /// The texts given for each declared parameter, by its name; empty where none was.
  private let texts: [String: [String]]

  init(path: [String], texts: [String: [String]]) {
    self.path = path
    self.texts = texts
  }

  /// The value of an option or flag that the command, or the program for all commands, declares.
  package subscript<Value>(option: Option<Value>) -> Value {
    option.value(texts(of: option.parameter))
  }

  /// The value of an argument that the command declares.
  package subscript<Value>(argument: Argument<Value>) -> Value {
    argument.value(texts(of: argument.parameter))
  }

  private func texts(of parameter: Parameter) -> [String] {
    guard let given = texts[parameter.name] else {
      let command = path.joined(separator: " ")
      fatalError("invariant broken: '\(command)' doesn't declare \(parameter.label)")
    }
    return given
  }
}
