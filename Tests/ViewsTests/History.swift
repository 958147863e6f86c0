import Bytes
import Events
import Simulation

/// A long history that a ledger could have: everything happens, mostly in a sensible order.
struct History {
  private(set) var log = TestLog()
  private var random: SeededRandom
  private var dispatches: [Dispatch] = []
  private var users = 0
  private var files = 0

  private struct Dispatch {
    let id: EntityID
    var modification = 1
    var recipients: [EntityID] = []
    var attempts: [EventID] = []
    var isFinal = false
  }

  static let programs: [EntityID] = ["p-1", "p-2", "p-3"]
  static let groups: [EntityID] = ["g-1", "g-2", "g-3", "g-4", "g-5"]
  static let channels: [ChannelCode] = ["sms", "email", "console"]

  /// About `count` commits that follow from the seed.
  init(seed: UInt64, commits count: Int) {
    random = SeededRandom(seed: seed)
    log.append(Self.programs.map { Sample.program($0, requiresEnrollment: $0 != "p-1") })
    log.append(Self.groups.map { Sample.group($0) })
    log.append([Sample.eventType("t", groups: ["g-1", "g-2"])])
    for _ in 0..<8 { defineUser() }
    while log.commits.count < count { step() }
  }

  private mutating func step() {
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<8: defineUser()
    case 8..<16: enroll()
    case 16..<20: refuse()
    case 20: erase()
    case 21: log.append([Sample.rejected(.numbered("r-", Int(log.next)))], key: nextKey())
    case 22:
      files += 1
      log.append([Sample.recovered("file \(files)")])
    case 23: redefine()
    case 24..<36: request()
    case 36..<40: change()
    case 40..<64: attempt()
    case 64..<90: answer()
    case 90..<94: putOff()
    default: acknowledge()
    }
  }

  private mutating func nextKey() -> String? {
    Bool.random(using: &random) ? "key \(log.next)" : nil
  }

  private mutating func anyUser() -> EntityID {
    .numbered("u-", Int.random(in: 0..<max(users, 1), using: &random))
  }

  private mutating func defineUser() {
    let isNew = users < 4 || Bool.random(using: &random)
    let number = isNew ? users : Int.random(in: 0..<users, using: &random)
    if isNew { users += 1 }
    let groups = Self.groups.filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
    let channels = Self.channels.filter { _ in Bool.random(using: &random) }
    log.append([
      Sample.user(.numbered("u-", number), groups: SortedSet(groups), channels: channels)
    ])
  }

  private mutating func enroll() {
    let user = anyUser()
    let program = Self.programs.randomElement(using: &random) ?? "p-1"
    let minute = Int.random(in: -500...500, using: &random)
    log.append([
      Int.random(in: 0..<3, using: &random) == 0
        ? Sample.withdrawn(user, from: program, at: minute)
        : Sample.enrolled(user, in: program, at: minute)
    ])
  }

  private mutating func refuse() {
    let user = anyUser()
    let channel = Bool.random(using: &random) ? Self.channels.randomElement(using: &random) : nil
    let program = Bool.random(using: &random) ? Self.programs.randomElement(using: &random) : nil
    log.append([
      Bool.random(using: &random)
        ? .userOptedOut(UserOptedOut(userID: user, channel: channel, programID: program))
        : .userOptedIn(UserOptedIn(userID: user, channel: channel, programID: program))
    ])
  }

  private mutating func erase() {
    guard users > 6 else { return }
    log.append([.userErased(UserErased(userID: anyUser()))])
  }

  private mutating func redefine() {
    let program = Self.programs.randomElement(using: &random) ?? "p-1"
    log.append([
      Bool.random(using: &random)
        ? .programRetired(ProgramRetired(id: program))
        : Sample.program(program, name: "Name \(log.next)")
    ])
  }

  private mutating func request() {
    var dispatch = Dispatch(id: .numbered("d-", dispatches.count))
    let payloads = resolve(&dispatch)
    log.append(
      [
        Sample.request(
          dispatch.id, program: Self.programs.randomElement(using: &random) ?? "p-1",
          end: Bool.random(using: &random) ? 120 : nil)
      ] + payloads, key: nextKey())
    dispatches.append(dispatch)
  }

  /// A resolution in one to three chunks.
  private mutating func resolve(_ dispatch: inout Dispatch) -> [EventPayload] {
    let everybody = (0..<users).map { EntityID.numbered("u-", $0) }
    let chunks = Int.random(in: 1...3, using: &random)
    let size = everybody.count / chunks + 1
    dispatch.recipients = []
    return (0..<chunks).map { chunk in
      let part = everybody.dropFirst(chunk * size).prefix(size)
      let recipients = part.filter { _ in Bool.random(using: &random) }
      dispatch.recipients += recipients
      return Sample.resolved(
        dispatch.id, modification: dispatch.modification, chunk: chunk, isLast: chunk == chunks - 1,
        users: Array(recipients), channels: ["sms", "email"],
        excluded: part.filter { !recipients.contains($0) })
    }
  }

  private mutating func change() {
    guard let index = dispatches.indices.randomElement(using: &random),
      !dispatches[index].isFinal
    else { return }
    var dispatch = dispatches[index]
    dispatch.modification += 1
    let change: EventPayload
    switch Int.random(in: 0..<3, using: &random) {
    case 0: change = Sample.modified(dispatch.id, modification: dispatch.modification)
    case 1:
      change = Sample.cancelled(dispatch.id, modification: dispatch.modification)
      dispatch.isFinal = true
    default:
      change = Sample.ended(dispatch.id, modification: dispatch.modification)
      dispatch.isFinal = true
    }
    log.append([change] + resolve(&dispatch))
    dispatches[index] = dispatch
  }

  private mutating func attempt() {
    guard let index = dispatches.indices.suffix(20).randomElement(using: &random),
      !dispatches[index].recipients.isEmpty
    else { return }
    let dispatch = dispatches[index]
    var payloads: [EventPayload] = []
    for user in dispatch.recipients where Bool.random(using: &random) {
      dispatches[index].attempts.append(log.next + EventID(payloads.count))
      payloads.append(
        Sample.attempted(
          dispatch.id, modification: dispatch.modification, user: user,
          channel: Bool.random(using: &random) ? "sms" : "email"))
    }
    if !payloads.isEmpty { log.append(payloads) }
  }

  private mutating func answer() {
    guard let dispatch = dispatches.suffix(20).randomElement(using: &random),
      let attempt = dispatch.attempts.randomElement(using: &random)
    else { return }
    switch Int.random(in: 0..<12, using: &random) {
    case 0: log.append([Sample.unknown(attempt, dispatch: dispatch.id)])
    case 1:
      let decision = Settlement.allCases.randomElement(using: &random) ?? .resend
      log.append([Sample.settled(attempt, decision, dispatch: dispatch.id)])
    case 2: log.append([Sample.result(of: 0, .delivered, .confirmedByCarrier)])
    default:
      log.append([
        Sample.result(
          of: attempt, OutcomeClass.allCases.randomElement(using: &random) ?? .accepted,
          EvidenceStrength.allCases.prefix(4).randomElement(using: &random) ?? .none,
          dispatch: dispatch.id, mayRetry: Bool.random(using: &random),
          providerID: Bool.random(using: &random) ? "SM\(log.next)" : nil)
      ])
    }
  }

  private mutating func putOff() {
    guard let dispatch = dispatches.suffix(20).randomElement(using: &random),
      let user = dispatch.recipients.randomElement(using: &random)
    else { return }
    log.append([
      Bool.random(using: &random)
        ? Sample.deferred(
          until: Int.random(in: 0..<500, using: &random), dispatch: dispatch.id,
          modification: dispatch.modification, user: user)
        : Sample.suppressed(
          SuppressionReason.allCases.randomElement(using: &random) ?? .superseded,
          dispatch: dispatch.id, modification: dispatch.modification, user: user,
          channel: Bool.random(using: &random) ? "sms" : nil)
    ])
  }

  private mutating func acknowledge() {
    guard let dispatch = dispatches.suffix(20).randomElement(using: &random) else { return }
    let isStranger = Int.random(in: 0..<5, using: &random) == 0
    let user = isStranger ? "stranger" : dispatch.recipients.randomElement(using: &random)
    guard let user else { return }
    log.append([
      Sample.acknowledged(
        dispatch.id, modification: dispatch.modification, user: user,
        opt: Bool.random(using: &random) ? .optIn : nil, marks: isStranger ? [.stranger] : [])
    ])
  }
}
