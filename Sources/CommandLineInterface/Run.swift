import Bytes

extension CommandTable {
  /// Does what a command line asks for, and answers with the status for the program to end with.
  ///
  /// - Parameter arguments: The line without the program's own name.
  package func run(_ arguments: [String], in world: World, on console: Console) -> ExitStatus {
    var parser = ArgumentParser(arguments, table: self, environment: console.environment)
    var session = Session(
      programName: name, console: console, wantsJSON: asksForJSON(arguments))
    do throws(CommandFailure) {
      let status = try perform(&parser, in: world, &session)
      try session.finish()
      return status
    } catch {
      if error.status == .usage {
        let page = HelpPage(table: self, width: console.width)
        session.report(
          error, usage: page.shortUsage(of: parser.path),
          help: "'\(([name] + parser.path).joined(separator: " ")) --help'")
      } else {
        session.report(error)
      }
      return error.status
    }
  }

  private func perform(
    _ parser: inout ArgumentParser<World>, in world: World, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let help = HelpPage(table: self, width: session.console.width)
    let outcome: ArgumentParser<World>.Outcome
    do {
      outcome = try parser.parse()
    } catch {
      guard error == .missingCommand, !session.wantsJSON else {
        throw CommandFailure(.usage, error.text)
      }
      for line in help.lines(for: parser.path) { session.talk(line: line) }
      return .usage
    }
    switch outcome {
    case .showHelp: try session.print(lines: help.lines(for: parser.path))
    case .showVersion: try printVersion(to: &session)
    case .run(let entry, let invocation):
      session = Session(
        programName: name, console: session.console,
        wantsJSON: value(of: StandardOption.json, in: invocation) ?? false,
        isQuiet: value(of: StandardOption.quiet, in: invocation) ?? false,
        color: value(of: StandardOption.color, in: invocation) ?? .auto)
      switch entry.action {
      case .run(let handler): return try handler(invocation, world, &session)
      case .showVersion: try printVersion(to: &session)
      case .showHelp: try session.print(lines: page(on: invocation[helpSubject], of: help))
      }
    }
    return .done
  }

  /// Whether to fail in JSON, asked before the line is understood.
  ///
  /// A bare `--json` is always the option: nothing that looks like one is taken as a value.
  private func asksForJSON(_ arguments: [String]) -> Bool {
    declares(StandardOption.json)
      && arguments.prefix { !sameBytes($0, "--") }
        .contains { sameBytes($0, StandardOption.json.parameter.label) }
  }

  /// The value of an option of this module, or `nil` where the program doesn't take it.
  private func value<Value>(of option: Option<Value>, in invocation: Invocation) -> Value? {
    declares(option) ? invocation[option] : nil
  }

  private func declares<Value>(_ option: Option<Value>) -> Bool {
    globals.contains { $0.name == option.parameter.name }
  }

  private func page(
    on subject: [String], of help: HelpPage<World>
  ) throws(CommandFailure) -> [String] {
    if subject.count == 1, let topic = topics.first(where: { sameBytes($0.name, subject[0]) }) {
      return help.lines(for: topic)
    }
    var path: [String] = []
    for word in subject {
      let names = children(of: path).map(\.name)
      guard let name = names.first(where: { sameBytes($0, word) }) else {
        let near = suggestions(
          for: word, among: path.isEmpty ? names + topics.map(\.name) : names)
        let error = UsageError.unknownSubject(
          (path + [word]).joined(separator: " "),
          suggestions: near.map { (path + [$0]).joined(separator: " ") })
        throw CommandFailure(.usage, error.text)
      }
      path.append(name)
    }
    return help.lines(for: path)
  }

  private func printVersion(to session: inout Session) throws(CommandFailure) {
    if session.wantsJSON {
      var object = JSONObject()
      object["name"] = .string(name)
      object["version"] = .string(version)
      try session.print(json: object)
    } else {
      try session.print("\(name) \(version)")
    }
  }
}
