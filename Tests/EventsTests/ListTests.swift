import Events
import Testing

/// The closed lists: of types, and of the words that fields may hold.
struct ListTests {
  @Test("The types are those of the design, each in its first version")
  func types() {
    let list: [(subject: String, types: [String])] = [
      (
        "ledger",
        [
          "ledger.created", "ledger.recovered", "ledger.repaired", "ledger.key-changed",
          "ledger.time-stamped", "ledger.archived", "ledger.attached", "ledger.disposed",
          "ledger.export-issued", "ledger.correction-recorded", "delivery.unmatched",
        ]
      ),
      ("program/ID", ["program.defined", "program.retired"]),
      ("market-event-type/ID", ["market-event-type.defined", "market-event-type.retired"]),
      ("user-group/ID", ["user-group.defined", "user-group.retired"]),
      (
        "user/ID",
        [
          "user.defined", "user.enrolled", "user.withdrawn", "user.opted-out", "user.opted-in",
          "user.erased",
        ]
      ),
      ("template/ID", ["template.published", "template.withdrawn"]),
      ("rule/ID", ["rule.published", "rule.withdrawn"]),
      ("legal-hold/ID", ["legal-hold.placed", "legal-hold.released"]),
      ("signal/NAME", ["signal.observed"]),
      (
        "dispatch/ID",
        [
          "dispatch.requested", "dispatch.rejected", "dispatch.scheduled", "dispatch.triggered",
          "dispatch.missed", "dispatch.modified", "dispatch.cancelled", "dispatch.ended",
          "recipients.resolved", "notification.attempted", "notification.suppressed",
          "notification.deferred", "notification.escalated", "delivery.recorded",
          "delivery.unknown", "delivery.settled", "acknowledgement.recorded",
        ]
      ),
    ]
    #expect(EventType.allCases.map(\.name) == list.flatMap(\.types))
    #expect(EventType.allCases.map(\.rawValue) == list.flatMap(\.types).map { "\($0).v1" })
    #expect(EventType.allCases.allSatisfy { $0.version == 1 })
  }

  @Test("The document says which subject each type has")
  func subjects() throws {
    for section in try EventsDocument().types {
      let event = try Event(decoding: try #require(section.example))
      let text = event.subject.text
      let kind = text.split(separator: "/").first.map(String.init) ?? text
      let placeholder = text == "ledger" ? "" : kind == "signal" ? "/NAME" : "/ID"
      let sentence = "Since 1. Subject `\(kind)\(placeholder)`."
      #expect(
        section.text.contains { $0.hasPrefix(sentence) },
        "\(section.title) doesn't say: \(sentence)")
    }
  }

  @Test("The words of every closed list are those of the document, in its order")
  func words() throws {
    let document = try EventsDocument()
    func same<List: Word>(_ title: String, _ list: List.Type) throws {
      #expect(try document.section(title).words == list.allCases.map(\.rawValue), "\(title)")
    }
    try same("recovery state", RecoveryState.self)
    try same("repair action", RepairAction.self)
    try same("unknown outcome policy", UnknownOutcomePolicy.self)
    try same("late notice policy", LateNoticePolicy.self)
    try same("quiet hours action", QuietHoursAction.self)
    try same("address problem", AddressProblem.self)
    try same("fold", Fold.self)
    try same("rejected command", RejectedCommand.self)
    try same("resolution basis", ResolutionBasis.self)
    try same("exclusion reason", ExclusionReason.self)
    try same("notice kind", NoticeKind.self)
    try same("suppression reason", SuppressionReason.self)
    try same("deferral reason", DeferralReason.self)
    try same("outcome", OutcomeClass.self)
    try same("unknown reason", UnknownReason.self)
    try same("settlement", Settlement.self)
    try same("opt answer", OptAnswer.self)
    try same("acknowledgement mark", AcknowledgementMark.self)
    try same("comparison result", ComparisonResult.self)
    #expect(EvidenceStrength.allCases.map(\.rawValue) == Array(0...5))
    #expect(EvidenceStrength.allCases == EvidenceStrength.allCases.sorted())
  }

  @Test("The words that the market's facts name are spelled as they are there")
  func spelling() {
    #expect(
      ExclusionReason.allCases.map(\.rawValue) == [
        "not-in-group", "not-enrolled", "withdrawn", "opted-out", "no-address", "invalid-address",
        "program-excludes",
      ])
    #expect(
      SuppressionReason.allCases.map(\.rawValue) == [
        "opted-out", "no-address", "invalid-address", "quiet-hours", "duplicate",
        "dispatch-cancelled", "deadline-passed", "program-excludes", "rate-limited", "test-mode",
        "earlier-acknowledgement", "superseded", "erased", "key-missing",
      ])
    #expect(
      NoticeKind.allCases.map(\.rawValue) == [
        "standby", "start", "update", "extend", "cancel", "end",
      ])
    #expect(UnknownOutcomePolicy.allCases.map(\.rawValue) == ["hold", "resend"])
    #expect(LateNoticePolicy.allCases.map(\.rawValue) == ["send", "suppress"])
    #expect(Settlement.allCases.map(\.rawValue) == ["resend", "delivered", "abandon"])
  }
}
