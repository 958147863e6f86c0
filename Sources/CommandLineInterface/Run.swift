import Bytes

extension CommandTable {
  /// Does what a command line asks for, and answers with the status for the program to end with.
  ///
  /// - Parameter arguments: The line without the program's own name.
  package func run(_ arguments: [String], in world: World, on console: Console) -> ExitStatus {
    if let word = arguments.first, sameBytes(word, completionRequest) {
      return complete(arguments.dropFirst(), on: console)
    }
    var parser = ArgumentParser(arguments, table: self, environment: console.environment)
    var session = Session(
      programName: name, console: console, wantsJSON: asksForJSON(arguments))
    do throws(CommandFailure) {
      let status = try perform(&parser, in: world, &session)
      try session.finish()
      return session.endPaging() == nil ? .unavailable : status
    } catch {
      if error == .readerIsGone {
        // A pager that can't be run may be gone before anything was written to it.
        guard let wasPaged = session.endPaging() else { return .unavailable }
        // Whoever leaves a pager has seen enough; whoever leaves a pipe misses something.
        return wasPaged ? .done : error.status
      }
      if error.status == .usage {
        let page = HelpPage(table: self, width: console.width)
        session.report(
          error, usage: page.shortUsage(of: parser.path),
          help: "'\(([name] + parser.path).joined(separator: " ")) --help'")
      } else {
        session.report(error)
      }
      _ = session.endPaging()
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
        color: value(of: StandardOption.color, in: invocation) ?? .auto,
        isPaged: entry.isPaged && value(of: StandardOption.noPager, in: invocation) == false)
      switch entry.action {
      case .run(let handler): return try handler(invocation, world, &session)
      case .showVersion: try printVersion(to: &session)
      case .showHelp: try session.print(lines: page(on: invocation[helpSubject], of: help))
      case .showManual:
        let path = try path(of: invocation[helpSubject])
        try session.write(text: ManualPage.lines(of: self, path: path))
      case .showCompletions:
        try session.write(Array(invocation[completionShell].script(for: name).utf8))
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
    return help.lines(for: try path(of: subject, or: topics.map(\.name)))
  }

  /// The command or group that words name.
  ///
  /// - Parameter others: What else the first word might have been meant to be.
  private func path(
    of subject: [String], or others: [String] = []
  ) throws(CommandFailure) -> [String] {
    var path: [String] = []
    for word in subject {
      let names = children(of: path).map(\.name)
      guard let name = names.first(where: { sameBytes($0, word) }) else {
        let near = suggestions(for: word, among: path.isEmpty ? names + others : names)
        let error = UsageError.unknownSubject(
          (path + [word]).joined(separator: " "),
          suggestions: near.map { (path + [$0]).joined(separator: " ") })
        throw CommandFailure(.usage, error.text)
      }
      path.append(name)
    }
    return path
  }

  /// Answers a shell that completes a line; nothing that goes wrong is told there.
  private func complete(_ words: ArraySlice<String>, on console: Console) -> ExitStatus {
    let words = words.first.map { sameBytes($0, "--") } == true ? words.dropFirst() : words
    var completer = Completer(self, environment: console.environment, things: things)
    let answer = completer.answer(to: Array(words))
    let text = answer.lines.map { $0 + "\n" }.joined()
    do { try console.output(Array(text.utf8)) } catch {}
    return .done
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

/// The hidden command that scripts of completion call, with a half-typed line after `--`.
private let completionRequest = "__complete"
