import Bytes
import Channels
import CommandLineInterface
import Dispatching
import Events
import Ledger
import Platform

enum ConfigCommands {
  static let show = OperatorCommand(
    "config show", "Print the settings in force, and where each comes from",
    details: """
      Of a secret the name of its file or variable is printed, never what it holds. What no file
      says is printed as the default.
      """,
    examples: [Example("dispatch-ledger config show", "What deliver goes by")], takes: [],
    run: runShow)
  static let path = OperatorCommand(
    "config path", "Print where settings are read from, the later one counting more",
    examples: [Example("dispatch-ledger config path", "One path a line")], takes: [],
    run: { (invocation, world, session) throws(CommandFailure) in
      for file in files(LedgerPath(invocation[Global.ledger]), session.console) {
        try session.print(file)
      }
      return .done
    })
  static let check = OperatorCommand(
    "config check", "Say whether the settings can be read, and try each channel",
    details: """
      Nothing is sent. An e-mail relay is greeted, with encryption and login; a provider of SMS is
      asked for the account; a command is started and ended. The exit status is 78 where the
      settings can't be used, and 69 where a channel doesn't work.
      """,
    examples: [Example("dispatch-ledger config check", "Before the first dispatch of a season")],
    takes: [], run: runCheck)

  private static func runShow(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let read = try read(LedgerPath(invocation[Global.ledger]), session.console)
    var document = JSONObject()
    var table = Table(.exact("CHANNEL"), .exact("SETTING"), .text("VALUE"), .text("FROM"))
    for (code, settings) in read.configuration.sorted {
      let origin = read.origins[code] ?? ""
      for member in settings.document.members {
        table.append(code.text, member.key, shown(member.value), origin)
      }
      for member in settings.defaults.members {
        table.append(code.text, member.key, shown(member.value), "default")
      }
      document[code.text] = .object(
        JSONObject([
          .init(key: "defaults", value: .object(settings.defaults)),
          .init(key: "from", value: .string(origin)),
          .init(key: "settings", value: .object(settings.document)),
        ]))
    }
    guard session.wantsJSON else {
      try session.print(table)
      return .done
    }
    try session.print(
      json: JSONObject([
        .init(key: "channels", value: .object(document)), .init(key: "v", value: 1),
      ]))
    return .done
  }

  private static func shown(_ value: JSON) -> String {
    if case .string(let text) = value { return text }
    return String(decoding: value.canonicalBytes, as: UTF8.self)
  }

  private static func runCheck(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let channels = try DeliverCommand.channels(LedgerPath(invocation[Global.ledger]), session)
    session.note("the settings can be read")
    let sender = Sender(channels)
    var document = JSONObject()
    var allWork = true
    for code in channels.codes {
      switch sender.check(code) {
      case .works:
        document[code.text] = "works"
        session.note("channel '\(code.text)' works")
      case .nothingToTry:
        document[code.text] = "nothing-to-try"
        session.note("channel '\(code.text)' has nothing that can be tried without sending")
      case .fails(let words):
        document[code.text] = .string("fails: \(words)")
        session.warn("channel '\(code.text)' doesn't work: \(words)")
        allWork = false
      }
    }
    if session.wantsJSON {
      try session.print(
        json: JSONObject([
          .init(key: "channels", value: .object(document)), .init(key: "v", value: 1),
        ]))
    }
    return allWork ? .done : .unavailable
  }

  private static func files(_ path: LedgerPath, _ console: Console) -> [String] {
    let home =
      console.environment("XDG_CONFIG_HOME")
      ?? console.environment("HOME").map { joinPath($0, ".config") }
    let own = home.map { joinPath($0, "dispatch-ledger/config.json") }
    return [own, path.configuration].compactMap { $0 }
  }

  /// The settings of both files, the ledger's over the user's own.
  static func configuration(
    _ path: LedgerPath, _ console: Console
  ) throws(CommandFailure) -> Configuration {
    try read(path, console).configuration
  }

  /// The settings, and the file that each channel's come from.
  private static func read(
    _ path: LedgerPath, _ console: Console
  ) throws(CommandFailure) -> (configuration: Configuration, origins: [ChannelCode: String]) {
    var configuration = Configuration()
    var origins: [ChannelCode: String] = [:]
    for file in files(path, console) {
      let bytes: [UInt8]
      do {
        guard try exists(file) else { continue }
        bytes = try readFile(file, limit: Configuration.limit)
      } catch {
        throw CommandFailure(error)
      }
      let read: Configuration
      do { read = try Configuration(parsing: bytes) } catch {
        throw CommandFailure(
          .configuration, "\(file): \(error.text)", stillGood: "the log isn't concerned",
          notDone: "nothing was sent",
          hint: "correct the file; 'dispatch-ledger config check' tells")
      }
      try refuseCommands(of: read, in: file)
      if file == path.configuration { try refuseUntrusted(file) }
      for (code, _) in read.sorted { origins[code] = file }
      configuration = configuration.overlaid(by: read)
    }
    return (configuration, origins)
  }

  /// Whoever may write the ledger's settings says where its notices go.
  private static func refuseUntrusted(_ file: String) throws(CommandFailure) {
    let reasons: [FileStatus.Distrust]
    do { reasons = try FileStatus(of: file).whyUntrustworthy() } catch {
      throw CommandFailure(error)
    }
    if !reasons.isEmpty { throw CommandFailure(.untrusted(path: file)) }
  }

  /// Whoever may write a file that names a command may run anything as its reader.
  private static func refuseCommands(
    of configuration: Configuration, in file: String
  ) throws(CommandFailure) {
    guard let code = configuration.sorted.first(where: { $0.settings.runsCommand })?.code else {
      return
    }
    let isTrusted: Bool
    do { isTrusted = try FileStatus(of: file).whyUntrustworthy().isEmpty } catch {
      throw CommandFailure(error)
    }
    guard !isTrusted else { return }
    throw CommandFailure(
      .configuration,
      "channel '\(code.text)' runs a command, and \(file) isn't a file of yours that nobody else "
        + "may write",
      stillGood: "the log isn't concerned", notDone: "nothing was run or sent",
      hint: "see who changed it, then make it yours and 'chmod go-w' it")
  }
}

extension CommandFailure {
  /// What it means that channels can't be used as they are set up.
  init(_ error: ChannelError) {
    switch error {
    case .secret(let code, let source, let problem):
      self.init(
        .configuration, "channel '\(code.text)': \(source.text) \(problem.text)",
        stillGood: "the log isn't concerned", notDone: "nothing was sent",
        hint: problem == .readableByOthers
          ? "'chmod 0600' it, and change the secret where others may have read it" : nil)
    case .noTransfers:
      self.init(
        .unavailable, "libcurl, which sends for the channels, can't be loaded",
        stillGood: "the log isn't concerned", notDone: "nothing was sent",
        hint: "install it (libcurl4 on Debian and Ubuntu), then repeat the call")
    }
  }
}
