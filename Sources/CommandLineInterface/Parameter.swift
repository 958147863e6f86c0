/// What the parser, the help and the completions know of one argument or option.
package struct Parameter: Sendable {
  package enum Kind: Hashable, Sendable {
    /// Known by its place.
    case argument
    /// Known by its name, and followed by a value.
    case option
    /// Known by its name, without a value.
    case flag
  }

  package enum Occurrence: Hashable, Sendable {
    case required
    case optional
    case repeated(atLeast: Int)
  }

  package let kind: Kind
  /// `FILE` for an argument; the long name without its dashes for an option.
  package let name: String
  /// What stands for an option's value in the help.
  package let placeholder: String
  package let occurrence: Occurrence
  /// The letter after one dash.
  package let short: Unicode.Scalar?
  /// The text that is read when neither the line nor the environment gives one.
  package let defaultText: String?
  /// The environment variable that gives the value where the line doesn't.
  package let environment: String?
  package let help: String
  /// The rest is the value type's: see ``ValueType``.
  package let expectation: String
  package let choices: [String]
  package let takesStandardInput: Bool
  package let accepts: @Sendable (String) -> Bool

  /// How the parameter is spelled: `FILE|-`, `--key K`, `--test`.
  package var label: String {
    switch kind {
    case .argument: takesStandardInput ? "\(name)|-" : name
    case .option: "--\(name) \(placeholder)\(takesStandardInput ? "|-" : "")"
    case .flag: "--\(name)"
    }
  }

  init<Value>(
    _ kind: Kind, _ name: String, _ type: ValueType<Value>, _ occurrence: Occurrence,
    placeholder: String = "", short: Unicode.Scalar? = nil, defaultText: String? = nil,
    environment: String? = nil, help: String
  ) {
    self.kind = kind
    self.name = name
    self.placeholder = placeholder
    self.occurrence = occurrence
    self.short = short
    self.defaultText = defaultText
    self.environment = environment
    self.help = help
    expectation = type.expectation
    choices = type.choices
    takesStandardInput = type.takesStandardInput
    accepts = { type.read($0) != nil }
  }
}

/// A typed argument or option, as a command lists it.
package protocol Declaration: Sendable {
  var parameter: Parameter { get }
}

/// An option or flag; `Value` is what ``Invocation`` gives for it.
///
/// Declared once as a `static let`, which is also the key to its value, so that neither a
/// misspelled name nor a wrong type compiles.
package struct Option<Value: Sendable>: Declaration {
  package let parameter: Parameter
  /// The value of all texts that were given, in their order.
  let value: @Sendable ([String]) -> Value

  /// An option that may be left out: its value is then `nil`.
  package init<Wrapped>(
    _ name: String, _ placeholder: String, _ type: ValueType<Wrapped>,
    short: Unicode.Scalar? = nil, environment: String? = nil, help: String
  ) where Value == Wrapped? {
    parameter = Parameter(
      .option, name, type, .optional, placeholder: placeholder, short: short,
      environment: environment,
      help: help)
    value = { $0.first.map(type.value) }
  }

  /// An option with a default, which is written as a user would type it.
  package init(
    _ name: String, _ placeholder: String, _ type: ValueType<Value>, default defaultText: String,
    short: Unicode.Scalar? = nil, environment: String? = nil, help: String
  ) {
    parameter = Parameter(
      .option, name, type, .optional, placeholder: placeholder, short: short,
      defaultText: defaultText,
      environment: environment, help: help)
    value = { type.value(of: $0.first ?? defaultText) }
  }

  /// An option that a call must give.
  package init(
    required name: String, _ placeholder: String, _ type: ValueType<Value>,
    short: Unicode.Scalar? = nil, environment: String? = nil, help: String
  ) {
    parameter = Parameter(
      .option, name, type, .required, placeholder: placeholder, short: short,
      environment: environment,
      help: help)
    value = { type.value(of: $0[0]) }
  }

  /// An option that may be given any number of times.
  package init<Element>(
    repeated name: String, _ placeholder: String, _ type: ValueType<Element>,
    short: Unicode.Scalar? = nil, help: String
  ) where Value == [Element] {
    parameter = Parameter(
      .option, name, type, .repeated(atLeast: 0), placeholder: placeholder, short: short, help: help
    )
    value = { $0.map(type.value) }
  }

  /// An option without a value: true when it is given.
  package init(flag name: String, short: Unicode.Scalar? = nil, help: String) where Value == Bool {
    parameter = Parameter(.flag, name, ValueType<Bool>.flag, .optional, short: short, help: help)
    value = { !$0.isEmpty }
  }
}

/// An argument that is known by its place; `Value` is what ``Invocation`` gives for it.
package struct Argument<Value: Sendable>: Declaration {
  package let parameter: Parameter
  let value: @Sendable ([String]) -> Value

  /// An argument that a call must give.
  package init(_ name: String, _ type: ValueType<Value>, help: String) {
    parameter = Parameter(.argument, name, type, .required, help: help)
    value = { type.value(of: $0[0]) }
  }

  /// An argument that may be left out; only optional and repeated ones may follow it.
  package init<Wrapped>(
    optional name: String, _ type: ValueType<Wrapped>, help: String
  ) where Value == Wrapped? {
    parameter = Parameter(.argument, name, type, .optional, help: help)
    value = { $0.first.map(type.value) }
  }

  /// All arguments from here to the end.
  package init<Element>(
    repeated name: String, _ type: ValueType<Element>, atLeast: Int, help: String
  ) where Value == [Element] {
    parameter = Parameter(.argument, name, type, .repeated(atLeast: atLeast), help: help)
    value = { $0.map(type.value) }
  }
}

/// Options that the module itself understands, for a program to list among its global ones.
package enum StandardOption {
  package static let json = Option(
    flag: "json", help: "Answer, and fail, with one JSON object")
  package static let quiet = Option(
    flag: "quiet", short: "q", help: "No remarks on standard error, only failures and warnings")
  package static let color = Option(
    "color", "WHEN", .oneOf(ColorChoice.self), default: "auto",
    help: "Colour the output; NO_COLOR and CLICOLOR_FORCE are heeded")
  package static let noPager = Option(
    flag: "no-pager", help: "Show long output on the terminal at once, without PAGER")
  package static let help = Option(flag: "help", short: "h", help: "Show help")
  package static let version = Option(flag: "version", help: "Show the version")
}

extension ValueType<Bool> {
  /// A flag has no text to read.
  fileprivate static var flag: Self { ValueType("no value") { _ in true } }
}

/// When output is coloured.
package enum ColorChoice: String, CaseIterable, Sendable {
  case auto, always, never
}
