import Bytes
import CommandLineInterface
import Dispatching
import Events
import Ledger
import Views

enum TemplateCommands {
  static let id = Argument("ID", .text, help: "The template's id; builtin is the built-in text")
  static let kind = Option(
    "kind", "KIND", .text, help: "standby, start, update, extend, cancel or end (default: start)")
  static let test = Option(flag: "test", help: "As a drill would say it")
  static let late = Option(flag: "late", help: "As a late notice would say it")
  static let openEnded = Option(flag: "open-ended", help: "Without an end")
  static let language = Option("language", "TAG", .text, help: "The user's language")
  static let dispatch = Option(
    "dispatch", "ID", .text, help: "What it would say of this dispatch (default: of an example)")
  static let preview = OperatorCommand(
    "template preview", "Print what a template makes of a notice",
    details: """
      The notice is of the dispatch that is named, as it stands; else of an example of the template's
      program. Nothing is recorded and nothing is sent.
      """,
    examples: [
      Example("dispatch-ledger template preview peak-sms", "A start, for real"),
      Example("dispatch-ledger template preview peak-sms --kind cancel --test", "A drill's end"),
    ], takes: [id, kind, test, late, openEnded, language, dispatch], run: run)

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    let decider = try inLedger { () throws(LedgerError) in try ledger.takeTurn().decider() }
    notes.print(to: &session)
    let state = ViewState(ledger.views)
    let template = try template(invocation[id], state)
    let content = try content(invocation, template?.published, state, decider)
    let text: NoticeText
    do throws(TemplateError) {
      text = try template?.render(content) ?? content.builtinText()
    } catch { throw CommandFailure(.badInput, error.text) }
    let version = template?.version ?? .builtin
    guard session.wantsJSON else {
      try session.print("Template: \(version.text)")
      try session.print("Subject: \(text.subject)")
      let lines = "\n\(text.body)".split(separator: "\n", omittingEmptySubsequences: false)
      for line in lines.dropLast() {
        try session.print(String(line))
      }
      return .done
    }
    try session.print(
      json: JSONObject([
        .init(key: "body", value: .string(text.body)),
        .init(key: "subject", value: .string(text.subject)),
        .init(key: "template", value: .string(version.text)), .init(key: "v", value: 1),
      ]))
    return .done
  }

  private static func template(
    _ text: String, _ state: ViewState
  ) throws(CommandFailure) -> NoticeTemplate? {
    if sameBytes(text, "builtin") { return nil }
    let found = try looking { () throws(ViewError) in
      try EntityID(text).map { id throws(ViewError) in try state.template(id) } ?? nil
    }
    guard let found else {
      throw CommandFailure(
        .notFound, "there is no template '\(text)'",
        hint: "a catalogue's \"templates\" publish them; builtin is always there")
    }
    do { return try NoticeTemplate(checked: found.definition) } catch {
      throw CommandFailure(.badInput, "template \(text) can't be read: \(error.text)")
    }
  }

  private static func content(
    _ invocation: Invocation, _ template: TemplatePublished?, _ state: ViewState,
    _ decider: Decider<ViewState>
  ) throws(CommandFailure) -> NoticeContent {
    let word = invocation[kind] ?? NoticeKind.start.rawValue
    guard let kind = NoticeKind(rawValue: word) else {
      let words = NoticeKind.allCases.map(\.rawValue).joined(separator: ", ")
      throw CallInput.failure("'\(word)' is no kind of notice; there are \(words)")
    }
    var (name, zone) = ("Example", ZoneName("UTC"))
    var (start, end): (ZonedMoment?, ZonedMoment?)
    var (id, number) = (EntityID("example"), 1)
    var programID = template?.programID
    if let text = invocation[dispatch] {
      let found = try looking { () throws(ViewError) in
        try EntityID(text).map { id throws(ViewError) in try state.dispatch(id) } ?? nil
      }
      guard let found else { throw CommandFailure(.notFound, "there is no dispatch '\(text)'") }
      (id, number, start, end) = (found.id, found.modification, found.start, found.end)
      programID = found.request.programID
    }
    if let programID {
      let program = try looking { () throws(ViewError) in try state.program(programID) }
      (name, zone) = (program?.definition.name ?? name, program?.definition.timeZone ?? zone)
    }
    guard let id, let zone else { fatalError("invariant broken: an example's names are none") }
    if start == nil {
      start = decider.moment(afterSeconds: 3_600, in: zone)
      end = decider.moment(afterSeconds: 7_200, in: zone)
    }
    guard let start else { fatalError("invariant broken: an example has no start") }
    return NoticeContent(
      dispatchID: id, modification: number, programName: name, kind: kind,
      isTest: invocation[test], isLate: invocation[late] && kind.hasDeadline, start: start,
      end: invocation[openEnded] ? nil : end,
      language: invocation[language] ?? template?.language)
  }
}
