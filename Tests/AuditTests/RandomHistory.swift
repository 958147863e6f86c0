import Bytes
import Dispatching
import Events
import Simulation

/// A long history of random commands and what came of them, all through the real decisions.
struct RandomHistory {
  private(set) var history: RecordedHistory
  private var random: SeededRandom
  private let userTotal: Int
  private let strays: Bool
  private let rules: Bool

  /// - Parameters:
  ///   - steps: How many calls there are after the catalogue.
  ///   - users: More than 256 in one group make resolutions of several chunks.
  ///   - strays: Whether events stand between that no decision makes where they stand: they speak of
  ///     users before they are defined and after they are erased, say again what was said, or change
  ///     what isn't there.
  ///   - rules: Whether there are templates, rules, signals and dispatches that wait.
  init(
    seed: UInt64, steps: Int, users: Int = 24, strays: Bool = false, rules: Bool = false
  ) throws {
    random = SeededRandom(seed: seed)
    history = try RecordedHistory()
    userTotal = users
    self.strays = strays
    self.rules = rules
    history.advance(seconds: 60)
    let list = try (0..<users).map { try user($0) }
    try history.perform(
      RecordedHistory.importing(
        """
        {"programs":[
          {"id":"1","name":"Peak Relief","time_zone":"America/New_York","lead_time":"PT30M",
           "escalation":{"acknowledgements":2,"within":"PT5M","user_ids":["u-3","u-5","nobody"]},
           "test_recipients_only":true,"communication_codes":["sms","email","console"]},
          {"id":"2","name":"Again","time_zone":"Europe/Berlin","lead_time":"PT2H",
           "unknown_outcome":"resend","enrollment_required":true,"event_type_ids":["1"],
           "quiet_hours":{"from":"19:00","to":"20:15","what":"defer","reason":"tariff"},
           "escalation":{"acknowledgements":1,"within":"PT20M","user_group_id":"g2"},
           "communication_codes":["email","sms"]},
          {"id":"3","name":"Strict","time_zone":"UTC","lead_time":"PT10M","late_notice":"suppress",
           "cancel_deadline":"PT1H","caps":{"dispatches_per_season":3,"duration_per_dispatch":"P1D",
             "season":{"from":"11-01","through":"02-10"}},
           "quiet_hours":{"from":"18:00","to":"02:00","what":"override"},
           "communication_codes":["console","sms"]}],
         "event_types":[{"id":"1","name":"Emergency","user_group_ids":["g0","g1"]},
           {"id":"2","name":"Economic","user_group_ids":["g1","g2","g9"]},
           {"id":"8","name":"Unused","user_group_ids":[]}],
         "user_groups":[{"id":"g0","name":"0"},{"id":"g1","name":"1"},{"id":"g2","name":"2"},
           {"id":"g9","name":"9"}],
         "users":[\(list.joined(separator: ","))]}
        """))
    for _ in 0..<steps { try step() }
    if rules { try history.look() }
  }

  private mutating func chance(_ percent: Int) -> Bool {
    Int.random(in: 0..<100, using: &random) < percent
  }

  private mutating func one<Element>(of elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &random)]
  }

  private mutating func user(_ number: Int) throws -> String {
    var contacts: [String] = []
    if chance(70) {
      contacts.append(#""sms":"\#(chance(90) ? "+155512\(30_000 + number)" : "x")""#)
    }
    if chance(60) { contacts.append(#""email":"u\#(number)@example.com""#) }
    if chance(30) { contacts.append(#""console":"u-\#(number)""#) }
    let groups = ["g0", "g1", "g2"].filter { _ in chance(60) }.map { "\"\($0)\"" }
    let programs = ["1", "2"].filter { _ in chance(50) }.map { "\"\($0)\"" }
    let optOuts = [
      "{}", #"{"channel":"sms"}"#, #"{"program_id":"1"}"#,
      #"{"channel":"email","program_id":"2"}"#,
    ].filter { _ in chance(8) }
    let test = chance(30) ? #""test_recipient":true,"# : ""
    return """
      {"id":"u-\(number)","name":"N\(number)",\(test)"user_group_ids":[\(groups.joined(separator: ","))],
       "program_ids":[\(programs.joined(separator: ","))],
       "opt_outs":[\(optOuts.joined(separator: ","))],
       "contacts":{\(contacts.joined(separator: ","))}}
      """
  }

  private mutating func step() throws {
    if strays, chance(30) { return try stray() }
    let pause: Int64 = one(of: [0, 1, 20, 45, 180, 900, 4_000])
    try history.escalate(until: history.now.adding(seconds: pause))
    if rules {
      try history.look(parts: one(of: [3, .max]))
      if chance(50) { return try wait() }
    }
    switch Int.random(in: 0..<100, using: &random) {
    case ..<22: try request()
    case ..<56: try deliver()
    case ..<68: try change()
    case ..<72: try reimport()
    case ..<76: try wish()
    case ..<78: try lateResult()
    case ..<81: try resultFromOutside()
    case ..<84: try history.record(try history.decider().recordLostAttempts(limit: 9))
    case ..<87: try settle()
    case ..<94: try acknowledge()
    case ..<96: try recover()
    case ..<98: try erase()
    default:
      try history.perform(
        line(ofRequest: "2026-11-24T01:00:00Z"), RecordedHistory.change("end", anyDispatch()),
        line(ofRequest: "2026-11-24T03:00:00Z"))
    }
  }

  /// Something of what waits: a rule, a template, a signal, a dispatch.
  private mutating func wait() throws {
    let condition = one(of: [
      "a <= 10", "a <= 10 MW and not b > 3", "b >= 2 or a < -1",
      "time in 09:00-18:30 America/New_York and a <= 12", "day in mon-wed UTC and b < 5", "never",
    ])
    switch Int.random(in: 0..<20, using: &random) {
    case ..<11:
      let unit = one(of: ["MW", "MW", nil, "kW"])
      let at: Instant? = one(of: [
        nil, nil, nil, history.now.adding(seconds: -900), history.now.adding(seconds: 240),
      ])
      try history.perform(
        RecordedHistory.observing(
          one(of: ["a", "b"]), one(of: ["-2", "1.5", "4", "9.99", "10", "11", "13.5"]), unit: unit,
          at: at))
    case ..<14:
      let members = [
        #","for":"PT3M""#, #","cool_down":"PT20M""#, #","max_per_day":2"#, #","hysteresis":"1""#,
        #","stale_after":"PT30M""#, #","grace":"PT5M""#,
      ].filter { _ in chance(40) }.joined()
      let action =
        chance(70)
        ? #""request":{"event_type_id":"1","duration":"PT1H"}"#
        : #""dispatch_id":"\#(anyDispatch().text)""#
      try history.perform(
        RecordedHistory.importing(
          #"{"rules":[{"id":"r\#(one(of: ["1", "2"]))","program_id":"\#(one(of: ["1", "2", "3"]))","if":"\#(condition)"\#(members),\#(action)}]}"#
        ))
    case ..<18:
      let wait =
        chance(50)
        ? #","execute_at":"\#(history.now.adding(seconds: one(of: [-60, 30, 900])).text)""#
        : #","execute_if":"\#(condition)""#
      try history.request(
        history.now.adding(seconds: 5_000).text,
        end: one(of: [nil, history.now.adding(seconds: 6_000).text]),
        program: one(of: ["1", "2", "3"]), members: wait)
    case 18:
      let thing = one(of: ["rules", "templates"])
      let id = thing == "rules" ? "r1" : "t1"
      try history.perform(
        RecordedHistory.importing(#"{"\#(thing)":[{"id":"\#(id)","withdrawn":true}]}"#))
    default:
      try history.perform(
        RecordedHistory.importing(
          #"{"templates":[{"id":"t1","channel":"\#(one(of: ["sms", "email"]))","body":"{{mark}} {{program}}"}]}"#
        ))
    }
  }

  private mutating func anyDispatch() -> EntityID {
    let accepted = (1...max(1, history.dispatchCount)).map { history.dispatchID($0) }
      .filter { history.state.dispatch($0) != nil }
    return accepted.isEmpty ? history.dispatchID(1) : one(of: accepted)
  }

  private mutating func line(ofRequest start: String) -> String {
    RecordedHistory.request(
      start, program: one(of: ["1", "2", "3"]), type: one(of: ["1", "2", "9"]))
  }

  private mutating func request() throws {
    let soon = history.now.adding(seconds: one(of: [-4_000, 300, 1_900, 8_000, 90_000]))
    let start = one(of: [
      soon.text, "11/24/2026 09:00", "03/08/2026 02:30", "10/25/2026 02:30", "11/01/2026 01:30",
    ])
    let end: String? = one(of: [
      nil, nil, history.now.adding(seconds: 100_000).text, "11/24/2026 10:00", "11/23/2026 10:00",
    ])
    let members = one(of: [
      "", "", #","fold":"first""#, #","test":true"#, #","note":{"feeder":12}"#,
    ])
    try history.request(
      start, end: end, program: one(of: ["1", "1", "2", "3", "9"]),
      type: one(of: ["1", "1", "1", "2", "9"]), members: members, parts: one(of: [2, .max]))
  }

  private mutating func deliver() throws {
    var outcomes = random
    let channels: Set<String>? = chance(20) ? ["sms"] : nil
    let limit = one(of: [1, 5, 32])
    let now = history.now
    try history.deliver(limit: limit, channels: channels, delaySeconds: one(of: [0, 2, 40])) {
      attempt in
      switch Int.random(in: 0..<12, using: &outcomes) {
      case 0: nil
      case 1: .unknown(.timeout)
      case 2, 3: .busy
      case 4: .refused
      case 5: .reported(.accepted, .none)
      case 8, 9:
        .reported(
          ChannelReport(
            outcome: .accepted, evidence: .acceptedByProvider,
            providerID: Self.providerID(attempt.dispatchID, attempt.userID)))
      case 6: .reported(.delivered, .confirmedByCarrier, at: now)
      case 7: .reported(.inTransit, .handedOver, at: now.adding(seconds: -9_000))
      default: .accepted
      }
    }
    random = outcomes
  }

  private mutating func change() throws {
    let dispatch = anyDispatch()
    var line = RecordedHistory.change(one(of: ["end", "cancel"]), dispatch)
    if chance(60) { line = RecordedHistory.modify(dispatch, otherTimes()) }
    // One whose dispatch never was isn't recorded, and isn't asked for.
    guard history.state.dispatch(history.dispatchID(1)) != nil || history.dispatchCount > 1 else {
      return
    }
    try history.perform(line, clockBehind: chance(20) ? 3 : nil)
  }

  private mutating func otherTimes() -> String {
    let soon = history.now.adding(seconds: one(of: [-60, 900, 7_200, 90_000, 200_000])).text
    return one(of: [
      #""open_ended":true"#, #""end_time":"\#(soon)""#, #""start_time":"\#(soon)""#,
      #""start_time":"\#(soon)","open_ended":true"#, #""end_time":"11/24/2026 11:00""#,
      #""end_time":"11/25/2026 09:00""#, #""end_time":"03/14/2027 02:30""#,
      #""start_time":"10/31/2027 02:30","end_time":"11/07/2027 01:30""#,
      #""end_time":"11/07/2027 01:30","fold":"second""#,
    ])
  }

  /// Wishes, enrollments and retirements, of users and programs that are there or not.
  private mutating func wish() throws {
    let user = AuditedHistory.id("u-\(Int.random(in: 0..<userTotal, using: &random))").text
    let program = one(of: ["1", "2"])
    let at = history.now.adding(seconds: one(of: [-9_000, -60, 0, 60, 9_000])).text
    let scope = one(of: [
      "", #","channel":"sms""#, #","program_id":"\#(program)""#,
      #","channel":"email","program_id":"\#(program)","reason":"STOP""#,
    ])
    let line = one(of: [
      #"{"command":"opt-out","user_id":"\#(user)"\#(scope)}"#,
      #"{"command":"opt-in","user_id":"\#(user)"\#(scope)}"#,
      #"{"command":"enroll","user_id":"\#(user)","program_id":"\#(program)","at":"\#(at)"}"#,
      #"{"command":"withdraw","user_id":"\#(user)","program_id":"\#(program)"}"#,
      #"{"command":"retire","kind":"user-group","id":"g9"}"#,
      #"{"command":"retire","kind":"event-type","id":"8","reason":"replaced"}"#,
    ])
    try history.perform(line)
  }

  private mutating func reimport() throws { try reimport(of: userTotal) }

  private mutating func reimport(of users: Int) throws {
    let number = Int.random(in: 0..<users, using: &random)
    let entry = try user(number)
    try history.perform(RecordedHistory.importing("{\"users\":[\(entry)]}"))
  }

  private mutating func anyAttempt() -> Event? {
    let attempts = history.events.filter { $0.type == .notificationAttempted }
    return attempts.isEmpty ? nil : one(of: attempts)
  }

  private mutating func lateResult() throws {
    guard let attempt = anyAttempt() else { return }
    let outcome: AttemptOutcome = one(of: [
      .reported(.delivered, .confirmedByCarrier), .reported(.undelivered, .confirmedByCarrier),
      .reported(.inTransit, .handedOver), .busy, .reported(.expired, .acceptedByProvider),
    ])
    try history.record(try history.decider().record(outcome, of: attempt.id))
  }

  /// What providers say, of attempts, of ids that some attempt gets, and of nobody's.
  private mutating func resultFromOutside() throws {
    var ids = ["SM-nobody"]
    // Before the message is sent, after it was, or of a notice that is over.
    let due = history.state.dueNotices(at: history.now.adding(seconds: 9_000), limit: 8)
    ids += due.map { Self.providerID($0.key.dispatchID, $0.key.userID) }
    if let key = anyAttempt().flatMap({ history.state.attempt($0.id)?.notice }) {
      ids.append(Self.providerID(key.dispatchID, key.userID))
    }
    let id = one(of: ids)
    let outcome = one(of: ["accepted", "in-transit", "delivered", "undelivered", "failed"])
    let name = one(of: [
      #""provider_id":"\#(id)""#, #""provider_id":"\#(id)""#,
      #""attempt":"\#(anyAttempt()?.id ?? 7)","provider_id":"\#(id)""#,
      #""attempt":"\#(Int.random(in: 0..<900, using: &random))""#,
    ])
    let rest = one(of: ["", #","retryable":true,"code":"30003""#, #","detail":"+15551230001""#])
    try history.perform(#"{"command":"result",\#(name),"outcome":"\#(outcome)"\#(rest)}"#)
  }

  /// The same for all messages about a dispatch to a user, so that some ids name two attempts.
  private static func providerID(_ dispatch: EntityID, _ user: EntityID) -> String {
    "SM-\(dispatch.text)-\(user.text)"
  }

  private mutating func settle() throws {
    let unknown = history.events.filter {
      $0.type == .notificationAttempted
        && history.state.attempt($0.id)?.standing.fate == .unknown
    }
    guard !unknown.isEmpty, let attempt = history.state.attempt(one(of: unknown).id) else { return }
    try history.perform(
      RecordedHistory.settle(attempt.event, one(of: [.resend, .delivered, .abandon])))
  }

  private mutating func acknowledge() throws {
    let dispatch = anyDispatch()
    guard let number = history.state.dispatch(dispatch)?.modification else { return }
    let user = AuditedHistory.id("u-\(Int.random(in: 0..<userTotal + 2, using: &random))")
    let members = [
      one(of: ["", #","opt":"in""#, #","opt":"out""#]),
      one(of: ["", "", #","modification":\#(Int.random(in: 1...number, using: &random))"#]),
      one(of: ["", "", #","at":"\#(history.now.adding(seconds: -4_000).text)""#]),
    ]
    try history.perform(RecordedHistory.acknowledge(dispatch, user, members.joined()))
  }

  private mutating func recover() throws {
    guard let digest = RecordedHistory.digest else { return }
    try history.record([
      EventDraft(
        .ledgerRecovered(
          LedgerRecovered(
            file: "f", segment: 0, offset: 1, length: 1, digest: digest, state: .torn)))
    ])
  }

  private mutating func erase() throws {
    guard chance(40) else { return }
    let id = AuditedHistory.id("u-\(Int.random(in: 0..<userTotal, using: &random))")
    guard history.state.user(id)?.erased == nil else { return }
    try history.record(.userErased(UserErased(userID: id)))
  }

  private mutating func stray() throws {
    let user = AuditedHistory.id("u-\(Int.random(in: 0..<userTotal + 6, using: &random))")
    let program = AuditedHistory.id(one(of: ["1", "2", "9"]))
    let channel = one(of: [nil, ChannelCode("sms"), ChannelCode("email")])
    let at = history.now.adding(seconds: one(of: [-9_000, -60, 0, 60, 9_000]))
    let payload: EventPayload? =
      switch Int.random(in: 0..<12, using: &random) {
      case 0, 1: .userEnrolled(UserEnrolled(userID: user, programID: program, at: at))
      case 2: .userWithdrawn(UserWithdrawn(userID: user, programID: program, at: at))
      case 3:
        .userOptedOut(
          UserOptedOut(userID: user, channel: channel, programID: one(of: [nil, program])))
      case 4:
        .userOptedIn(
          UserOptedIn(userID: user, channel: channel, programID: one(of: [nil, program])))
      case 5: chance(25) ? .userErased(UserErased(userID: user)) : nil
      case 6: escalation(to: user)
      case 7:
        one(of: [
          .programRetired(ProgramRetired(id: program)),
          .userGroupRetired(UserGroupRetired(id: AuditedHistory.id("g2"))),
          .marketEventTypeRetired(MarketEventTypeRetired(id: AuditedHistory.id("2"))),
        ])
      case 8: earlier { $0.type == .userDefined }
      case 9: earlier { [.programDefined, .userGroupDefined].contains($0.type) }
      default: earlier { $0.type != .ledgerCreated }
      }
    guard let payload else { return try reimport(of: userTotal + 6) }
    try history.record(payload)
  }

  /// What an earlier event said.
  private mutating func earlier(_ isMeant: (Event) -> Bool) -> EventPayload? {
    let events = history.events.filter(isMeant)
    return events.isEmpty ? nil : one(of: events).payload
  }

  private mutating func escalation(to user: EntityID) -> EventPayload? {
    guard let within = ISODuration("PT5M"), let channel = ChannelCode("email"),
      history.state.user(user) != nil,
      let dispatch = history.state.dispatch(anyDispatch())
    else { return nil }
    return .notificationEscalated(
      NotificationEscalated(
        dispatchID: dispatch.id, modification: one(of: Array(1...dispatch.modification)), level: 1,
        userIDs: [user], channels: [channel], acknowledged: 0, required: 1, within: within))
  }
}
