import Bytes
import CommandLineInterface
import Dispatching
import EventLog
import Events
import Ledger
import Views

/// `import --format openadr`: what a VTN's programs and events come to (`FORMAT.md` §26.2).
struct OpenADRImport {
  private let ledger: Ledger
  private let document: OpenADRDocument
  private let invocation: Invocation
  /// What the programs of the document that aren't defined yet are defined as.
  private var entries: [JSONObject] = []
  private var programs: [EntityID: ProgramDefined] = [:]
  private var types: [MarketEventTypeDefined] = []

  /// What is to be done about an event.
  private enum Plan {
    case request(DispatchRequest)
    case cancel(EntityID)
    /// Nothing, and why; what the event says that isn't kept.
    case leave(Outcome, EntityID?, notKept: [String] = [])
  }

  private enum Outcome: String {
    case requested, rejected, cancelled
    /// It was imported before, and stands.
    case unchanged
    /// It was cancelled before it was ever imported.
    case neverCalled = "never-called"
    /// It isn't what the dispatch was made from, but its times are the dispatch's.
    case sameTimes = "same-times"
  }

  static func run(
    _ invocation: Invocation, _ world: OperatorWorld, _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    let bytes = try CallInput.read(invocation[ImportCommand.file])
    let document: OpenADRDocument
    do { document = try OpenADRDocument(parsing: bytes) } catch {
      throw CallInput.failure(error.text)
    }
    let notes = NoteBook()
    let ledger = try world.open(invocation, notes)
    var run = try OpenADRImport(ledger, document, invocation)
    let plans = try run.plans()
    notes.print(to: &session)
    let status = try run.perform(plans, &session)
    notes.print(to: &session)
    return status
  }

  private init(
    _ ledger: Ledger, _ document: OpenADRDocument, _ invocation: Invocation
  ) throws(CommandFailure) {
    self.ledger = ledger
    self.document = document
    self.invocation = invocation
    try inLedger { () throws(LedgerError) in _ = try ledger.takeTurn() }
    let views = ledger.views
    let standing = try inLedger { () throws(LedgerError) in
      do throws(ViewError) {
        return (try views.catalogue.programs.list(), try views.catalogue.marketEventTypes.list())
      } catch {
        throw .views(error)
      }
    }
    for program in standing.0 { programs[program.definition.id] = program.definition }
    types = standing.1.filter { $0.retired == nil }.map(\.definition)
    let channels = (invocation[ImportCommand.channels] ?? "").split(separator: ",")
    for program in document.programs where programs[program.id] == nil {
      do throws(RequestError) {
        let entry = try program.entry(
          zone: invocation[ImportCommand.timeZone], channels: channels.map(String.init))
        entries.append(entry)
        let catalogue = try CatalogueDocument(["programs": [.object(entry)]])
        programs[program.id] = catalogue.programs.first
      } catch {
        throw CallInput.failure(error.text)
      }
    }
  }

  // MARK: - What is to be done

  private static func key(of event: OpenADREvent) -> String { "openadr/event/\(event.id.text)" }

  private mutating func plans() throws(CommandFailure) -> [Plan] {
    let ledger = ledger
    // What a ledger sent to a VTN comes back with its dispatch's id as the name.
    let calls = document.events.map { event in
      (
        key: Self.key(of: event),
        ids: [event.id, event.name.flatMap { EntityID($0) }].compactMap(\.self)
      )
    }
    let earlier = try inLedger { () throws(LedgerError) in try ledger.earlierRequests(calls) }
    var plans: [Plan] = []
    for (event, before) in zip(document.events, earlier) {
      plans.append(try plan(for: event, before))
    }
    return plans
  }

  private func plan(
    for event: OpenADREvent, _ before: EarlierRequest?
  ) throws(CommandFailure) -> Plan {
    switch before {
    case nil:
      if event.window == .cancelled { return .leave(.neverCalled, nil) }
      let type = try eventType(of: event)
      do throws(RequestError) { return .request(try event.request(of: type)) } catch {
        throw CallInput.failure(error.text)
      }
    case .rejected(let rejected)?:
      var attributes: JSONObject?
      if case .object(let given)? = rejected.request["attributes"] { attributes = given }
      guard isSame(event, attributes) else {
        throw Self.conflict(
          event, "was rejected as dispatch \(rejected.dispatchID.text), and is another one now",
          hint: "ask for what it says now with 'dispatch'")
      }
      return .leave(.rejected, rejected.dispatchID)
    case .dispatch(let dispatch)?:
      if isSame(event, dispatch.request.attributes) { return .leave(.unchanged, dispatch.id) }
      guard case .from(_, let start, let end) = event.window else {
        return dispatch.isCancelled
          ? .leave(.unchanged, dispatch.id) : .cancel(dispatch.id)
      }
      guard !dispatch.isCancelled, dispatch.start.instant == start, dispatch.end?.instant == end
      else {
        throw Self.conflict(
          event, "is dispatch \(dispatch.id.text), and has other times now",
          hint: "give the dispatch these times with 'modify', then import again")
      }
      return .leave(.sameTimes, dispatch.id, notKept: notKept(event, dispatch))
    }
  }

  /// What the event says otherwise than its dispatch, by its paths.
  private func notKept(_ event: OpenADREvent, _ dispatch: Dispatch) -> [String] {
    var fields: [String] = []
    if event.programID != dispatch.request.programID { fields.append("programID") }
    var origin: JSONObject = [:]
    if case .object(let known)? = dispatch.request.attributes?["openadr"] { origin = known }
    let names = [event.name, dispatch.id.text, event.id.text].map { $0.map { JSON.string($0) } }
    if names[0] != origin["event_name"], names[0] != names[1], names[0] != names[2] {
      fields.append("eventName")
    }
    let groups = types.first { $0.id == dispatch.request.eventTypeID }?.userGroupIDs.map(\.text)
    if !event.areGroups || groups.map({ $0 != event.targets }) ?? true { fields.append("targets") }
    for payload in OpenADR.Payload.allCases
    where event.attributes[payload.attribute] != dispatch.attributes?[payload.attribute] {
      fields.append("intervals[0].payloads \(payload.rawValue)")
    }
    let holder = event.path.isEmpty ? "" : "\(event.path)."
    return fields.map { holder + $0 } + event.unmapped
  }

  private func isSame(_ event: OpenADREvent, _ attributes: JSONObject?) -> Bool {
    OpenADREvent.original(in: attributes).map { sameBytes($0, event.original) } ?? false
  }

  private static func conflict(
    _ event: OpenADREvent, _ what: String, hint: String
  ) -> CommandFailure {
    CommandFailure(
      .conflict, "event \(event.id.text) \(what)", notDone: "nothing was appended", hint: hint)
  }

  /// The type that is asked for, or the one whose groups are the event's targets, no more and no
  /// less.
  private func eventType(of event: OpenADREvent) throws(CommandFailure) -> EntityID {
    func failure(
      _ field: String, _ found: String, _ words: String
    ) -> CommandFailure {
      let error = RequestError(
        path: event.path.isEmpty ? field : "\(event.path).\(field)",
        problem: .badValue(found: found, expected: .described(words)))
      return CallInput.failure(error.text)
    }
    guard let program = programs[event.programID] else {
      throw failure(
        "programID", event.programID.text, "a program of the ledger or of the same file")
    }
    if let asked = invocation[ImportCommand.eventType] {
      guard let type = types.first(where: { $0.id.text == asked }) else {
        throw CallInput.failure("there is no market event type '\(asked)' in use")
      }
      return type.id
    }
    let fitting = types.filter { type in
      event.areGroups && !event.targets.isEmpty
        && type.userGroupIDs.map(\.text).elementsEqual(event.targets)
        && program.eventTypeIDs?.contains(type.id) ?? true
    }
    guard let type = fitting.first, fitting.count == 1 else {
      throw failure(
        "targets", event.targets.joined(separator: ", "),
        "exactly the user groups of one market event type of program \(event.programID.text) ("
          + (fitting.isEmpty ? "none has these" : "\(fitting.count) have these")
          + "); or name the type with --event-type")
    }
    return type.id
  }

  // MARK: - Doing it

  private func perform(
    _ plans: [Plan], _ session: inout Session
  ) throws(CommandFailure) -> ExitStatus {
    var (results, status) = ([] as [JSON], ExitStatus.done)
    let defined = try define()
    for (event, plan) in zip(document.events, plans) {
      var result = JSONObject()
      var (outcome, dispatch, notKept) = (Outcome.cancelled, nil as EntityID?, [] as [String])
      switch plan {
      case .leave(let why, let id, let fields): (outcome, dispatch, notKept) = (why, id, fields)
      case .request(let request):
        let receipt = try submit(.dispatch(request), key: Self.key(of: event), after: results)
        outcome = receipt.hasRejection ? .rejected : .requested
        if case .dispatch(let answer)? = receipt.results.first { dispatch = answer.dispatchID }
        result["receipt"] = .object(receipt.document)
      case .cancel(let id):
        let cancel = try command(
          "cancel",
          [
            ("dispatch_id", .string(id.text)),
            ("reason", .string("OpenADR event \(event.id.text) was cancelled")),
          ])
        let key = "\(Self.key(of: event))/cancel"
        let receipt = try submit(cancel, key: key, after: results)
        dispatch = id
        if receipt.hasRejection { outcome = .rejected }
        result["receipt"] = .object(receipt.document)
      }
      if outcome == .rejected { status = .answerIsNo }
      result["dispatch"] = dispatch.map { .string($0.text) }
      result["event_id"] = .string(event.id.text)
      if outcome == .sameTimes {
        result["not_kept"] = .array(notKept.map { .string($0) })
      } else {
        result["not_mapped"] = .array(unmapped(event).map { .string($0) })
      }
      result["outcome"] = .string(outcome.rawValue)
      results.append(.object(result))
      if !session.wantsJSON { try print(event, outcome, dispatch, notKept, &session) }
    }
    if session.wantsJSON {
      try session.print(
        json: [
          "events": .array(results), "programs_defined": .array(defined.map { .string($0) }),
        ])
    } else if !defined.isEmpty {
      try session.print("programs defined: \(defined.joined(separator: ", "))")
    }
    return status
  }

  /// Defines the programs that weren't.
  ///
  /// - Returns: Their ids.
  private func define() throws(CommandFailure) -> [String] {
    guard !entries.isEmpty else { return [] }
    let (ledger, entries) = (ledger, entries)
    let catalogue: CatalogueDocument
    do throws(RequestError) {
      catalogue = try CatalogueDocument(
        ["programs": .array(entries.map { .object($0) })])
    } catch {
      throw CallInput.failure(error.text)
    }
    try inLedger { () throws(LedgerError) in
      _ = try ledger.submit(Call(catalogue), key: ledger.newKey())
    }
    return catalogue.programs.map(\.id.text)
  }

  private func submit(
    _ command: Command, key: String, after results: [JSON]
  ) throws(CommandFailure) -> CallReceipt {
    do throws(LedgerError) { return try ledger.submit([command], key: key) } catch {
      let failure = CommandFailure(error)
      guard !results.isEmpty || !entries.isEmpty else { throw failure }
      throw CommandFailure(
        failure.status, failure.happened,
        stillGood: "\(results.count) events before it were taken, and are durable",
        notDone: "nothing behind them was appended", hint: "the same call goes on there")
    }
  }

  /// What is kept of an event as it was given, but isn't understood.
  private func unmapped(_ event: OpenADREvent) -> [String] {
    let areTargets = invocation[ImportCommand.eventType] != nil && !event.targets.isEmpty
    return event.unmapped
      + (areTargets ? [event.path.isEmpty ? "targets" : "\(event.path).targets"] : [])
  }

  private func print(
    _ event: OpenADREvent, _ outcome: Outcome, _ dispatch: EntityID?, _ notKept: [String],
    _ session: inout Session
  ) throws(CommandFailure) {
    let id = dispatch.map { "dispatch \($0.text)" } ?? "no dispatch"
    let what =
      switch outcome {
      case .requested: "\(id) requested"
      case .rejected: "\(id) rejected"
      case .cancelled: "\(id) cancelled"
      case .unchanged: "\(id) stands, from an earlier import"
      case .neverCalled: "it was cancelled before it was imported; nothing to do"
      case .sameTimes:
        notKept.isEmpty
          ? "\(id) has its times, and all else that a dispatch has a place for"
          : "\(id) has its times; not kept, since nothing is appended: "
            + notKept.joined(separator: ", ")
      }
    var line = "event \(event.id.text): \(what)"
    let rest = outcome == .sameTimes ? [] : unmapped(event)
    if !rest.isEmpty { line += "; kept but not understood: \(rest.joined(separator: ", "))" }
    try session.print(line)
  }
}
