import Bytes
import Events
import Dispatching
import Views

/// A checked text of a test is right, or the test is wrong.
private func checked<Value>(_ value: Value?, _ text: String) -> Value {
  guard let value else { fatalError("a test uses \(text)") }
  return value
}

extension EntityID: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) { self = checked(EntityID(text), text) }

  /// `u-0042` and its like, whose order is that of the numbers.
  static func numbered(_ prefix: String, _ number: Int) -> EntityID {
    let digits = String(number)
    let text = prefix + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return checked(EntityID(text), text)
  }
}

extension ChannelCode: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) { self = checked(ChannelCode(text), text) }
}

extension CodeWord: ExpressibleByStringLiteral {
  public init(stringLiteral text: String) { self = checked(CodeWord(text), text) }
}

extension Instant {
  /// The day on which tests begin: 2026-11-23T00:00:00Z.
  static let day = checked(Instant(CivilTime(year: 2026, month: 11, day: 23)), "a day")

  static func minute(_ minute: Int) -> Instant { day.adding(seconds: Int64(minute) * 60) }
}

extension ZonedMoment {
  static func minute(_ minute: Int) -> ZonedMoment {
    ZonedMoment(
      instant: .minute(minute), zone: checked(ZoneName("Etc/UTC"), "a zone"),
      text: "minute \(minute)",
      offsetSeconds: 0, tzdata: "2025b")
  }
}

extension HexDigest {
  static func test(_ number: Int) -> HexDigest {
    let digest = SHA256.hash(Array("digest \(number)".utf8)).hex
    return checked(HexDigest(digest), digest)
  }
}

extension SealedText {
  static func test(_ text: String) -> SealedText {
    let sealed = Array(("twelve bytes" + text + "and a tag of 16.").utf8)
    return checked(SealedText(sealed: sealed), text)
  }
}

extension ISODuration {
  static let halfAnHour = checked(ISODuration("PT30M"), "PT30M")
}

/// The payloads that tests are made from, with defaults for what a test doesn't care for.
enum Sample {
  static func program(
    _ id: EntityID = "p", name: String = "Peak Relief", channels: [ChannelCode] = ["sms", "email"],
    requiresEnrollment: Bool = false
  ) -> EventPayload {
    .programDefined(
      ProgramDefined(
        id: id, name: name, timeZone: ZonedMoment.minute(0).zone, communicationCodes: channels,
        leadTime: .halfAnHour, enrollmentRequired: requiresEnrollment, unknownOutcome: .hold,
        lateNotice: .send))
  }

  static func eventType(_ id: EntityID = "t", groups: SortedSet<EntityID> = ["g"]) -> EventPayload {
    .marketEventTypeDefined(MarketEventTypeDefined(id: id, name: "Emergency", userGroupIDs: groups))
  }

  static func group(_ id: EntityID = "g") -> EventPayload {
    .userGroupDefined(UserGroupDefined(id: id, name: "Industrial sites"))
  }

  static func user(
    _ id: EntityID = "u", groups: SortedSet<EntityID> = ["g"], channels: [ChannelCode] = ["sms"]
  ) -> EventPayload {
    .userDefined(
      UserDefined(
        id: id, name: .test("name"), userGroupIDs: groups,
        contacts: channels.map { Contact(channel: $0, address: .test($0.text)) }))
  }

  static func enrolled(_ user: EntityID = "u", in program: EntityID = "p", at minute: Int)
    -> EventPayload
  {
    .userEnrolled(UserEnrolled(userID: user, programID: program, at: .minute(minute)))
  }

  static func withdrawn(_ user: EntityID = "u", from program: EntityID = "p", at minute: Int)
    -> EventPayload
  {
    .userWithdrawn(UserWithdrawn(userID: user, programID: program, at: .minute(minute)))
  }

  static func request(
    _ dispatch: EntityID = "d", program: EntityID = "p", end: Int? = 120, isTest: Bool = false
  ) -> EventPayload {
    .dispatchRequested(
      DispatchRequested(
        dispatchID: dispatch, modification: 1, programID: program, program: 0, eventTypeID: "t",
        eventType: 0, start: .minute(60), end: end.map { .minute($0) }, isTest: isTest,
        isLate: false))
  }

  static func resolved(
    _ dispatch: EntityID = "d", modification: Int = 1, chunk: Int = 0, isLast: Bool = true,
    users: [EntityID] = ["u"], channels: [ChannelCode] = ["sms", "email"],
    excluded: [EntityID] = []
  ) -> EventPayload {
    .recipientsResolved(
      RecipientsResolved(
        dispatchID: dispatch, modification: modification, chunk: chunk, program: 0, eventType: 0,
        userGroups: [],
        recipients: users.map {
          Recipient(userID: $0, user: 7, channels: channels.map { RecipientChannel(channel: $0) })
        },
        exclusions: excluded.map { Exclusion(userID: $0, user: 7, reason: .optedOut) },
        totals: isLast
          ? ResolutionTotals(recipients: users.count, exclusions: excluded.count, notConsidered: 9)
          : nil))
  }

  static func attempted(
    _ dispatch: EntityID = "d", modification: Int = 1, user: EntityID = "u",
    channel: ChannelCode = "sms", number: Int = 1
  ) -> EventPayload {
    .notificationAttempted(
      NotificationAttempted(
        dispatchID: dispatch, modification: modification, userID: user, channel: channel,
        number: number, kind: .start, isLate: false, isTest: false, address: 7, template: .builtin,
        textHMAC: .test(2), channelKind: "console", channelSettings: .test(3)))
  }

  static func result(
    of attempt: EventID, _ outcome: OutcomeClass, _ evidence: EvidenceStrength = .none,
    dispatch: EntityID = "d", mayRetry: Bool? = nil, providerID: String? = nil
  ) -> EventPayload {
    .deliveryRecorded(
      DeliveryRecorded(
        attempt: attempt, dispatchID: dispatch, outcome: outcome, evidence: evidence,
        providerID: providerID, isRetryable: mayRetry))
  }

  static func unknown(_ attempt: EventID, dispatch: EntityID = "d") -> EventPayload {
    .deliveryUnknown(DeliveryUnknown(attempt: attempt, dispatchID: dispatch, reason: .crash))
  }

  static func settled(
    _ attempt: EventID, _ decision: Settlement, dispatch: EntityID = "d"
  ) -> EventPayload {
    .deliverySettled(
      DeliverySettled(attempt: attempt, dispatchID: dispatch, decision: decision, reason: "so"))
  }

  static func suppressed(
    _ reason: SuppressionReason, dispatch: EntityID = "d", modification: Int = 1,
    user: EntityID = "u", channel: ChannelCode? = nil
  ) -> EventPayload {
    .notificationSuppressed(
      NotificationSuppressed(
        dispatchID: dispatch, modification: modification, userID: user, channel: channel,
        kind: .start, reason: reason))
  }

  static func deferred(
    until minute: Int, dispatch: EntityID = "d", modification: Int = 1, user: EntityID = "u",
    channel: ChannelCode = "sms"
  ) -> EventPayload {
    .notificationDeferred(
      NotificationDeferred(
        dispatchID: dispatch, modification: modification, userID: user, channel: channel,
        kind: .start, until: .minute(minute), reason: .retry))
  }

  static func acknowledged(
    _ dispatch: EntityID = "d", modification: Int = 1, user: EntityID = "u", opt: OptAnswer? = nil,
    marks: SortedSet<AcknowledgementMark> = []
  ) -> EventPayload {
    .acknowledgementRecorded(
      AcknowledgementRecorded(
        dispatchID: dispatch, modification: modification, userID: user, opt: opt, at: .minute(9),
        marks: marks))
  }

  static func modified(_ dispatch: EntityID = "d", modification: Int = 2, end: Int? = 90)
    -> EventPayload
  {
    .dispatchModified(
      DispatchModified(
        dispatchID: dispatch, modification: modification, reason: "so", start: .minute(70),
        end: end.map { .minute($0) }, isLate: false))
  }

  static func cancelled(_ dispatch: EntityID = "d", modification: Int = 2) -> EventPayload {
    .dispatchCancelled(
      DispatchCancelled(dispatchID: dispatch, modification: modification, reason: "so"))
  }

  static func ended(_ dispatch: EntityID = "d", modification: Int = 2, at end: Int = 80)
    -> EventPayload
  {
    .dispatchEnded(
      DispatchEnded(
        dispatchID: dispatch, modification: modification, reason: "so", end: .minute(end)))
  }

  static func rejected(_ dispatch: EntityID = "d", command: RejectedCommand = .request)
    -> EventPayload
  {
    .dispatchRejected(
      DispatchRejected(
        dispatchID: dispatch, command: command,
        reasons: [RejectionReason(code: "unknown-program", message: "program 9 is not defined")],
        request: JSONObject([.init(key: "program_id", value: 9)])))
  }

  static func recovered(_ file: String) -> EventPayload {
    .ledgerRecovered(
      LedgerRecovered(
        file: file, segment: 0, offset: 4_096, length: 77, digest: .test(4), state: .torn))
  }
}
