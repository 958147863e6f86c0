import Bytes
import Dispatching
import Events
import Testing

/// A ledger in memory that commands are decided on and recorded into, as the real one does it.
struct World {
  var state = MemoryState()
  var events: [Event] = []
  var now: Instant
  var dispatches = 0
  /// What can't be opened any more.
  var lostKeys: Set<EntityID> = []

  init(at time: String = "2026-07-01T12:00:00Z") throws { now = try Instant(time) }

  var nextID: EventID { EventID(events.count) }

  var context: DecisionContext {
    let (lost, events) = (lostKeys, events)
    var context = DecisionContext(
      now: now, nextID: nextID, dispatchID: dispatchID(dispatches + 1), zone: TestZones.find,
      tzdata: "test", personalData: FakeSeal.personalData(without: lost))
    context.subject = { id in id < UInt64(events.count) ? events[Int(id)].subject : nil }
    return context
  }

  func dispatchID(_ number: Int) -> EntityID {
    guard let id = EntityID("d-\(number)") else { fatalError("d-\(number) is an id") }
    return id
  }

  var decider: Decider<MemoryState> { Decider(state: state, context: context) }

  /// Appends drafts as one commit.
  @discardableResult
  mutating func record(_ drafts: [EventDraft]) throws -> [Event] {
    var recorded: [Event] = []
    for draft in drafts {
      let event = draft.recorded(id: nextID, time: now, source: "test")
      // What is decided must be what a reader reads back.
      let line = event.encodeLine()
      #expect(line.count <= Event.lineLimit)
      let read = try Event(decoding: line)
      #expect(read == event)
      events.append(event)
      state.apply(read)
      recorded.append(event)
    }
    return recorded
  }

  @discardableResult
  mutating func record(_ payloads: EventPayload...) throws -> [Event] {
    try record(payloads.map { EventDraft($0) })
  }

  /// Decides a line of `append` and records what comes of it.
  @discardableResult
  mutating func perform(_ line: String) throws -> Decision {
    let command = try Command(parsing: Array(line.utf8))
    let decision = try decider.decide(command)
    if case .dispatch = command { dispatches += 1 }
    try record(decision.drafts)
    return decision
  }

  @discardableResult
  mutating func importing(_ catalogue: String) throws -> Decision {
    try perform(#"{"command":"import","catalogue":\#(catalogue)}"#)
  }

  /// Requests a dispatch of program 1 and type 1, which must be accepted.
  @discardableResult
  mutating func request(
    _ start: String, _ end: String? = nil, _ members: String = ""
  ) throws -> EntityID {
    let end = end.map { #","end_time":"\#($0)""# } ?? ""
    let decision = try perform(
      """
      {"command":"dispatch","request":{"start_time":"\(start)"\(end)\(members),"program_id":1,"event_type_id":1}}
      """)
    guard case .accepted = decision else { throw Refused(decision: decision) }
    return dispatchID(dispatches)
  }

  @discardableResult
  mutating func change(_ command: String, _ dispatch: EntityID) throws -> Decision {
    try perform(
      #"{"command":"\#(command)","dispatch_id":"\#(dispatch.text)","reason":"because"}"#)
  }

  static func modify(_ dispatch: EntityID, _ fields: String) -> String {
    #"{"command":"modify","dispatch_id":"\#(dispatch.text)","reason":"because",\#(fields)}"#
  }

  @discardableResult
  mutating func modify(_ dispatch: EntityID, _ fields: String) throws -> Decision {
    try perform(Self.modify(dispatch, fields))
  }

  @discardableResult
  mutating func acknowledge(
    _ dispatch: EntityID, _ user: String, _ members: String = ""
  ) throws -> Decision {
    try perform(
      #"{"command":"acknowledge","dispatch_id":"\#(dispatch.text)","user_id":"\#(user)"\#(members)}"#
    )
  }

  /// Records what is due: suppressions and attempts; nothing comes back.
  ///
  /// - Returns: The attempts.
  @discardableResult
  mutating func attemptAll() throws -> [Event] {
    let decider = decider
    let plan = try decider.planNotices(limit: 1_000) { _ in true }
    guard let digest = HexDigest(String(repeating: "cd", count: 32)), let spool = CodeWord("spool")
    else { fatalError("both are of their forms") }
    let channel = ChannelIdentity(kind: spool, settings: digest)
    let recorded = try record(
      plan.heldBack
        + plan.attempts.map { decider.attempted($0, through: channel, textHMAC: digest) })
    return recorded.filter { $0.type == .notificationAttempted }
  }

  mutating func advance(seconds: Int64) { now = now.adding(seconds: seconds) }

  func resolutions(of dispatch: EntityID, modification: Int) -> [RecipientsResolved] {
    events.compactMap { event in
      guard case .recipientsResolved(let chunk) = event.payload, chunk.dispatchID == dispatch,
        chunk.modification == modification
      else { return nil }
      return chunk
    }
  }

  func notices(of dispatch: EntityID, _ modification: Int = 1) -> [Notice] {
    state.notices(of: dispatch, modification: modification)
  }

  struct Refused: Error { let decision: Decision }
}

extension Decision {
  /// The codes of a rejection; empty where it was accepted.
  var codes: [String] {
    guard case .rejected(let rejection) = self else { return [] }
    return rejection.reasons.map(\.code.text)
  }

  var fields: [String?] {
    guard case .rejected(let rejection) = self else { return [] }
    return rejection.reasons.map(\.field)
  }
}

/// Sealing that anybody can open: the bytes of user, field and text, as long as a real seal.
enum FakeSeal {
  static func seal(_ text: String, _ user: EntityID, _ field: PersonalField) -> SealedText {
    let bytes = [UInt8](repeating: 0, count: 28) + Array("\(user.text)|\(field.text)|\(text)".utf8)
    guard let sealed = SealedText(sealed: bytes) else { fatalError("too short to be sealed") }
    return sealed
  }

  static func open(_ sealed: SealedText, _ user: EntityID, _ field: PersonalField) -> String? {
    let text = String(decoding: sealed.sealed.dropFirst(28), as: UTF8.self)
    let prefix = "\(user.text)|\(field.text)|"
    return text.hasPrefix(prefix) ? String(text.dropFirst(prefix.count)) : nil
  }

  static func personalData(without lost: Set<EntityID> = []) -> PersonalData {
    PersonalData(
      seal: seal, open: { lost.contains($1) ? nil : open($0, $1, $2) },
      sealOrphan: { text in
        guard let nobody = EntityID("orphans") else { fatalError("orphans is an id") }
        return seal(text, nobody, .resultDetail)
      }, hasKey: { !lost.contains($0) })
  }
}

/// A small catalogue: program 1 in New York on sms, email and console; type 1 reaches group g.
let smallCatalogue = """
  {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York",
     "communication_codes":["sms","email","console"],"lead_time":"PT30M"}],
   "event_types":[{"id":1,"name":"Emergency","user_group_ids":["g"]}],
   "user_groups":[{"id":"g","name":"G"},{"id":"h","name":"H"}],
   "users":[
     {"id":"u-1","name":"Ana","user_group_ids":["g"],
      "contacts":{"sms":"+15551230001","email":"ana@example.com"}},
     {"id":"u-2","name":"Bo","user_group_ids":["g"],"contacts":{"email":"bo@example.com"}},
     {"id":"u-3","name":"Cy","user_group_ids":["h"],"contacts":{"email":"cy@example.com"}}]}
  """
