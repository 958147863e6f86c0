/// All that one program can be told on its command line.
///
/// Parser, help and completions read this table and nothing else. `World` is what the handlers work
/// on besides their arguments: clock, files, keys, as the program's main file puts them together.
package struct CommandTable<World>: Sendable {
  package let name: String
  package let version: String
  /// The day of the release, as manual pages write it: `November 30, 2026`.
  package let released: String
  package let summary: String
  package let examples: [Example]
  /// Options that every command takes, before or after its name.
  package let globals: [Parameter]
  package let sections: [CommandSection<World>]
  /// All commands in the order of the help.
  package let entries: [CommandEntry<World>]
  package let groups: [CommandGroup]
  package let topics: [HelpTopic]
  /// What completion offers of a kind (`dispatch`, `user`, `type`) from the ledger in a directory.
  package let things: Things

  package typealias Things = @Sendable (_ kind: String, _ ledger: String) -> [Candidate]

  /// Takes the program's own commands; those that every program has are added as the last section.
  package init(
    name: String, version: String, released: String, summary: String, examples: [Example],
    globals: [any Declaration], sections: [CommandSection<World>], groups: [CommandGroup] = [],
    topics: [HelpTopic] = [], things: @escaping Things = { _, _ in [] }
  ) {
    self.name = name
    self.version = version
    self.released = released
    self.summary = summary
    self.examples = examples
    self.globals = globals.map(\.parameter)
    self.sections =
      sections + [
        CommandSection(
          "Help",
          [
            CommandEntry(
              "help", "Show help on a command or topic", takes: [helpSubject], action: .showHelp
            ).paged,
            CommandEntry(
              "man", "Print the manual page of the program or a command, in mdoc",
              examples: [Example("\(name) man | man -l -", "Read it")], takes: [helpSubject],
              action: .showManual),
            CommandEntry(
              "completions", "Print the script that completes commands in a shell",
              examples: [Example("\(name) completions bash", "For 'source <(…)' in ~/.bashrc")],
              takes: [completionShell], action: .showCompletions),
            CommandEntry("version", "Show the version", takes: [], action: .showVersion),
          ])
      ]
    entries = self.sections.flatMap(\.entries)
    self.groups = groups
    self.topics = topics
    self.things = things
  }

  func entry(at path: [String]) -> CommandEntry<World>? {
    entries.first { $0.path == path }
  }

  /// What may follow `path`, each name once, in the order of the help.
  func children(of path: [String], in section: CommandSection<World>? = nil) -> [Child] {
    var children: [Child] = []
    for entry in section?.entries ?? entries
    where entry.path.count > path.count && entry.path.starts(with: path) {
      let childPath = Array(entry.path[...path.count])
      let name = childPath[path.count]
      if !children.contains(where: { $0.name == name }) {
        children.append(Child(name: name, summary: summary(of: childPath)))
      }
    }
    return children
  }

  struct Child {
    let name: String
    let summary: String
  }

  func summary(of path: [String]) -> String {
    entry(at: path)?.summary ?? groups.first { $0.path == path }?.summary ?? ""
  }
}

let helpSubject = Argument(
  repeated: "SUBJECT", .text, atLeast: 0, help: "A command, such as one of two words, or a topic")

let completionShell = Argument("SHELL", .oneOf(CompletionShell.self), help: "The shell")

/// One command: how it is called, how it is explained, and what runs it.
package struct CommandEntry<World>: Sendable {
  /// Does the command's work, and answers with the status that the program ends with.
  package typealias Handler =
    @Sendable (Invocation, World, inout Session) throws(CommandFailure) -> ExitStatus

  enum Action: Sendable {
    case run(Handler)
    case showHelp
    case showManual
    case showCompletions
    case showVersion
  }

  /// The words that name it: `["view", "check"]`.
  package let path: [String]
  package let summary: String
  package let details: String
  package let examples: [Example]
  package let parameters: [Parameter]
  /// Replaces the usage made from the parameters, where that doesn't say what goes together.
  package let usage: String?
  let action: Action
  /// Whether its output is shown page by page where it is longer than the terminal.
  private(set) var isPaged = false

  /// Describes a command.
  ///
  /// - Parameter path: One word, or several for a nested command: `view check`.
  /// - Parameter summary: One imperative sentence without its full stop.
  /// - Parameter details: Paragraphs with an empty line between them; lines that begin with a space
  ///   are kept as they are.
  /// - Parameter parameters: Arguments in the order of their places, options in that of the help.
  package init(
    _ path: String, _ summary: String, details: String = "", examples: [Example],
    takes parameters: [any Declaration] = [], usage: String? = nil, run: @escaping Handler
  ) {
    self.init(
      path, summary, details: details, examples: examples, takes: parameters, usage: usage,
      action: .run(run))
  }

  init(
    _ path: String, _ summary: String, details: String = "", examples: [Example] = [],
    takes parameters: [any Declaration], usage: String? = nil, action: Action
  ) {
    self.path = path.split(separator: " ").map(String.init)
    self.summary = summary
    self.details = details
    self.examples = examples
    self.parameters = parameters.map(\.parameter)
    self.usage = usage
    self.action = action
  }

  /// The same command, whose output is for reading and may be long.
  package var paged: CommandEntry {
    var copy = self
    copy.isPaged = true
    return copy
  }

  /// The same command, after which `more` is done once the answer has been written.
  ///
  /// What it comes to doesn't change the exit status; a command that failed isn't followed.
  package func followed(
    by more: @escaping @Sendable (Invocation, World, inout Session) -> Void
  ) -> CommandEntry {
    guard case .run(let handler) = action else { return self }
    return CommandEntry(
      path.joined(separator: " "), summary, details: details, examples: examples,
      parameters: parameters, usage: usage
    ) { invocation, world, session throws(CommandFailure) in
      let status = try handler(invocation, world, &session)
      try session.flush()
      more(invocation, world, &session)
      return status
    }
  }

  private init(
    _ path: String, _ summary: String, details: String, examples: [Example],
    parameters: [Parameter], usage: String?, run: @escaping Handler
  ) {
    self.path = path.split(separator: " ").map(String.init)
    self.summary = summary
    self.details = details
    self.examples = examples
    self.parameters = parameters
    self.usage = usage
    action = .run(run)
  }

  var arguments: [Parameter] { parameters.filter { $0.kind == .argument } }
  var options: [Parameter] { parameters.filter { $0.kind != .argument } }
}

/// Commands that stand together under one title in the program's help.
package struct CommandSection<World>: Sendable {
  package let title: String
  package let entries: [CommandEntry<World>]

  package init(_ title: String, _ entries: [CommandEntry<World>]) {
    self.title = title
    self.entries = entries
  }
}

/// A word that does nothing by itself and has commands under it: `view`.
package struct CommandGroup: Sendable {
  package let path: [String]
  package let summary: String

  package init(_ path: String, _ summary: String) {
    self.path = path.split(separator: " ").map(String.init)
    self.summary = summary
  }
}

/// A line that a user can type, complete with the program's name, and what it does.
package struct Example: Sendable {
  package let line: String
  package let purpose: String

  package init(_ line: String, _ purpose: String) {
    self.line = line
    self.purpose = purpose
  }
}

/// A page of the help that belongs to no single command.
package struct HelpTopic: Sendable {
  package let name: String
  package let summary: String
  /// As ``CommandEntry/details``.
  package let text: String

  package init(_ name: String, _ summary: String, text: String) {
    self.name = name
    self.summary = summary
    self.text = text
  }

  /// The page on ``ExitStatus``.
  package static let exitCodes = HelpTopic(
    "exit-codes", "What each exit code means",
    text: """
      The codes never change their meaning. A code that isn't listed is to be taken as a failure.

      \(ExitStatus.allCases.map { "  " + padded("\($0.rawValue)", to: 4) + $0.meaning }
        .joined(separator: "\n"))
      """)
}
