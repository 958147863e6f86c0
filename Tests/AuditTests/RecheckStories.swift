import Audit
import Bytes
import Dispatching
import EventLog
import Events
import Foundation
import Simulation
import Testing

/// A ledger under `ledger/golden` or `ledger/damaged`, made anew by code, and its report.
struct RecheckStory: Sendable, CustomTestStringConvertible {
  let name: String
  /// The kinds of the findings, in their order.
  let findings: [String]
  let make: @Sendable () throws -> RecordedHistory

  var testDescription: String { name }

  static let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  var folder: URL {
    Self.repository.appendingPathComponent(
      "ledger/\(findings.isEmpty ? "golden" : "damaged")/\(name)")
  }

  static let all = [
    RecheckStory(name: "recheck-sound", findings: [], make: sound),
    RecheckStory(name: "recheck-recipient-left-out", findings: ["differs"]) {
      try requested { drafts in
        edit(&drafts, EventPayload.recipientsResolved) { (chunk: inout RecipientsResolved) in
          chunk.recipients.removeAll { $0.userID.text == "u-2" }
          chunk.totals?.recipients -= 1
          chunk.totals?.notConsidered += 1
        }
      }
    },
    RecheckStory(name: "recheck-result-without-attempt", findings: ["no-attempt"]) {
      var history = try requested()
      let recorded = DeliveryRecorded(
        attempt: 8, dispatchID: history.lastDispatch, outcome: .delivered,
        evidence: .confirmedByCarrier)
      try history.record([
        EventDraft(
          .deliveryRecorded(recorded), causation: 8, correlation: history.lastDispatch.text,
          decider: 1)
      ])
      return history
    },
    RecheckStory(
      name: "recheck-rejection-that-should-not-have-been", findings: ["should-be-accepted"]
    ) {
      var history = try requested()
      try history.request("08/28/2026 21:04", program: "9") { drafts in
        edit(&drafts, EventPayload.dispatchRejected) { (rejected: inout DispatchRejected) in
          rejected.request["program_id"] = "1"
          rejected.reasons[0].message = "program 1 is not defined"
        }
      }
      return history
    },
    RecheckStory(name: "recheck-attempt-to-a-stranger", findings: ["no-recipient"]) {
      try requested(attempts: { drafts in
        edit(&drafts, EventPayload.notificationAttempted) {
          (attempt: inout NotificationAttempted) in
          if attempt.userID.text == "u-2" { attempt.userID = AuditedHistory.id("u-3") }
        }
      })
    },
    RecheckStory(name: "recheck-doubled-modification-number", findings: ["modification"]) {
      var history = try requested()
      let cancel = RecordedHistory.change("cancel", history.lastDispatch)
      try history.perform(cancel) { drafts in
        edit(&drafts, EventPayload.dispatchCancelled) { (cancelled: inout DispatchCancelled) in
          cancelled.modification = 1
        }
      }
      return history
    },
    RecheckStory(name: "recheck-books-unbalanced", findings: ["differs", "books", "books"]) {
      try requested { drafts in
        edit(&drafts, EventPayload.recipientsResolved) { (chunk: inout RecipientsResolved) in
          chunk.totals?.recipients += 1
        }
      }
    },
    RecheckStory(name: "recheck-suppression-invented", findings: ["unexpected"]) {
      try requested(attempts: { drafts in
        drafts = drafts.map { draft in
          guard case .notificationAttempted(let attempt) = draft.payload,
            attempt.userID.text == "u-2"
          else { return draft }
          var other = draft
          other.payload = .notificationSuppressed(
            NotificationSuppressed(
              dispatchID: attempt.dispatchID, modification: 1, userID: attempt.userID, kind: .start,
              reason: .optedOut, detail: "all channels"))
          return other
        }
      })
    },
    RecheckStory(name: "recheck-acknowledgement-mark", findings: ["differs"]) {
      var history = try requested()
      let stranger = RecordedHistory.acknowledge(
        history.lastDispatch, AuditedHistory.id("u-3"), #","opt":"in""#)
      try history.perform(stranger) { drafts in
        edit(&drafts, EventPayload.acknowledgementRecorded) {
          (answer: inout AcknowledgementRecorded) in
          answer.marks = []
        }
      }
      return history
    },
    RecheckStory(name: "recheck-request-that-should-be-rejected", findings: ["should-be-rejected"])
    {
      var history = try requested()
      try history.record(.programRetired(ProgramRetired(id: AuditedHistory.id("1"))))
      let before = history.commits[2]
      let other = AuditedHistory.id("d-9")
      let first = history.nextID
      try history.record(
        before.map { event in
          var draft = EventDraft(
            event.payload, causation: event.causation.map { _ in first },
            correlation: other.text, decider: 1)
          if case .dispatchRequested(var request) = draft.payload {
            request.dispatchID = other
            draft.payload = .dispatchRequested(request)
          }
          if case .recipientsResolved(var chunk) = draft.payload {
            chunk.dispatchID = other
            draft.payload = .recipientsResolved(chunk)
          }
          return draft
        })
      return history
    },
    RecheckStory(name: "recheck-quiet-hours-ignored", findings: ["unexpected"]) {
      // It is noon in New York, and the deadline is half an hour before 21:04.
      try requested(
        catalogue: restless,
        attempts: { drafts in
          drafts = drafts.map { draft in
            guard case .notificationDeferred(let later) = draft.payload, later.userID.text == "u-2"
            else { return draft }
            var other = draft
            other.payload = .notificationSuppressed(
              NotificationSuppressed(
                dispatchID: later.dispatchID, modification: 1, userID: later.userID, kind: .start,
                reason: .quietHours))
            return other
          }
        })
    },
    RecheckStory(name: "recheck-escalation-left-out", findings: ["missing"]) {
      var history = try requested(catalogue: restless)
      history.advance(seconds: 7_200)
      try history.deliver()
      history.advance(seconds: 36_000)
      try history.perform(RecordedHistory.importing(#"{"user_groups":[{"id":"h","name":"H"}]}"#))
      return history
    },
    RecheckStory(name: "recheck-rule-that-did-not-fire", findings: ["missing"]) {
      // Nobody looked at what was due.
      try watched { $0.advance(seconds: 300) }
    },
    RecheckStory(name: "recheck-rule-that-fired-without-reason", findings: ["unexpected"]) {
      try watched { history in
        // It has held for four minutes of five.
        history.advance(seconds: 300)
        let drafts = try history.decider().decideDue(limit: 1)
        history.advance(seconds: -60)
        try history.record(drafts)
      }
    },
  ]

  /// A rule whose condition comes to hold, and what somebody does about it.
  static func watched(
    _ decide: (inout RecordedHistory) throws -> Void
  ) throws -> RecordedHistory {
    var history = try requested()
    try history.perform(
      RecordedHistory.importing(
        #"{"rules":[{"id":"solar-low","program_id":1,"if":"solar_market <= 42.5 USD/MWh","for":"PT5M","#
          + #""stale_after":"PT1H","request":{"event_type_id":1,"duration":"PT1H"}}]}"#))
    history.advance(seconds: 60)
    try history.perform(RecordedHistory.observing("solar_market", "41.75", unit: "USD/MWh"))
    try decide(&history)
    history.advance(seconds: 1_800)
    try history.perform(RecordedHistory.observing("solar_market", "44", unit: "USD/MWh"))
    return history
  }

  static let catalogue = """
    {"programs":[{"id":1,"name":"Peak Relief","time_zone":"America/New_York","lead_time":"PT30M",
       "communication_codes":["sms","email"]}],
     "event_types":[{"id":1,"name":"Emergency","user_group_ids":["g"]}],
     "user_groups":[{"id":"g","name":"G"}],
     "users":[
       {"id":"u-1","name":"Ana","user_group_ids":["g"],
        "contacts":{"sms":"+15551230001","email":"ana@example.com"}},
       {"id":"u-2","name":"Bo","user_group_ids":["g"],"contacts":{"email":"bo@example.com"}},
       {"id":"u-3","name":"Cy","user_group_ids":["g"]},
       {"id":"u-4","name":"Di","user_group_ids":["g"],"contacts":{"sms":"+15551230004"}}]}
    """

  /// The same with quiet hours at noon, and two answers wanted in ten minutes.
  static let restless = catalogue.replacingOccurrences(
    of: #""lead_time":"PT30M","#,
    with: #""lead_time":"PT30M","quiet_hours":{"from":"11:30","to":"13:30","what":"defer"},"#
      + #""escalation":{"acknowledgements":2,"within":"PT10M","user_ids":["u-3"]},"#)

  /// A catalogue, one request, and its notices.
  static func requested(
    catalogue: String = catalogue,
    request: (inout [EventDraft]) -> Void = { _ in },
    attempts: (inout [EventDraft]) -> Void = { _ in }
  ) throws -> RecordedHistory {
    var history = try RecordedHistory()
    history.advance(seconds: 60)
    try history.perform(RecordedHistory.importing(catalogue))
    history.advance(seconds: 60)
    try history.request("11/23/2026 21:04", end: "11/23/2026 22:04", doctored: request)
    history.advance(seconds: 60)
    try history.deliver(doctored: attempts)
    history.advance(seconds: 60)
    return history
  }

  /// Replaces what is said by events of one type.
  static func edit<Data: EventData>(
    _ drafts: inout [EventDraft], _ payload: (Data) -> EventPayload, _ change: (inout Data) -> Void
  ) {
    for index in drafts.indices {
      guard var data = drafts[index].payload.data as? Data else { continue }
      change(&data)
      drafts[index].payload = payload(data)
    }
  }

  // MARK: - Without findings

  private static let twoPrograms = """
    {"programs":[
       {"id":1,"name":"Peak Relief","time_zone":"America/New_York","lead_time":"PT30M",
        "communication_codes":["sms","email"]},
       {"id":"again","name":"Again","time_zone":"UTC","lead_time":"PT10M","unknown_outcome":"resend",
        "communication_codes":["email"],"enrollment_required":true}],
     "event_types":[{"id":1,"name":"Emergency","user_group_ids":["g","h"]}],
     "user_groups":[{"id":"g","name":"G"},{"id":"h","name":"H"}],
     "users":[
       {"id":"u-1","name":"Ana","user_group_ids":["g"],"program_ids":["again"],
        "contacts":{"sms":"+15551230001","email":"ana@example.com"}},
       {"id":"u-2","name":"Bo","user_group_ids":["g"],"contacts":{"email":"bo@example.com"}},
       {"id":"u-3","name":"Cy","user_group_ids":["h"],"opt_outs":[{"channel":"sms"}],
        "contacts":{"sms":"+15551230003"}},
       {"id":"u-4","name":"Di","user_group_ids":["h"],"contacts":{"sms":"+15551230004"}},
       {"id":"u-5","name":"Ed","user_group_ids":["g"],"contacts":{"sms":"+15551230005"}},
       {"id":"u-6","name":"Flo","user_group_ids":[],"program_ids":["again"],
        "contacts":{"email":"flo@example.com"}}]}
    """

  /// Every verdict, a retry, a fail-over, an opt-out after the resolution, both policies for
  /// unknown outcomes, rejections, changes, a step of the clock.
  @Sendable private static func sound() throws -> RecordedHistory {
    var history = try RecordedHistory()
    history.advance(seconds: 60)
    try history.perform(RecordedHistory.importing(twoPrograms))
    history.advance(seconds: 60)
    // Its deadline is half an hour away.
    try history.request("11/23/2026 13:02", end: "11/23/2026 14:00")
    let first = history.lastDispatch
    history.advance(seconds: 60)
    try history.deliver { attempt in
      switch attempt.userID.text {
      case "u-1": .busy
      case "u-4": .unknown(.timeout)
      case "u-5": .refused
      default: .reported(.accepted, .acceptedByProvider, at: attemptTime)
      }
    }
    history.advance(seconds: 60)
    try history.deliver { _ in .refused }
    history.advance(seconds: 3_600)
    try history.deliver()
    try history.perform(RecordedHistory.change("end", first), clockBehind: 2)
    try history.perform(RecordedHistory.change("cancel", first), clockBehind: 3)
    history.advance(seconds: 60)
    try history.perform(
      RecordedHistory.importing(
        """
        {"users":[{"id":"u-2","name":"Bo","user_group_ids":["g"],"opt_outs":[{}],
          "contacts":{"email":"bo@example.com"}}]}
        """
      ))
    try history.deliver()
    history.advance(seconds: 60)
    try history.request("2026-11-23T18:50:00Z", program: "again")
    history.advance(seconds: 60)
    try history.deliver { _ in nil }
    history.advance(seconds: 60)
    try history.record(try history.decider().recordLostAttempts(limit: 9))
    try history.deliver { _ in .reported(.delivered, .confirmedByCarrier) }
    try history.request("03/08/2026 02:30", end: "03/08/2026 02:00")
    try history.request("11/01/2026 01:30", program: "2", type: "2")
    // Late before it was asked for.
    try history.request("2026-11-23T18:00:00Z", program: "again")
    try history.deliver()
    try history.request("11/23/2099 21:04", members: #","test":true,"note":"drill""#)
    try history.perform(RecordedHistory.change("end", history.lastDispatch))
    return history
  }

  private static let attemptTime = Instant(text: "2026-11-23T17:03:00.500000Z".utf8)
}

@Suite("A story for rechecking")
struct RecheckStoryTests {
  /// `REGENERATE=1` writes what the code makes instead of comparing it.
  private var regenerates: Bool { ProcessInfo.processInfo.environment["REGENERATE"] != nil }

  @Test("is made by code, byte for byte, and gets its report", arguments: RecheckStory.all)
  func story(_ story: RecheckStory) throws {
    let history = try story.make()
    let disk = try RecordedHistory.disk(history.commits)
    let verification = try Verification(disk, identity: AuditedHistory.identity)
    #expect(verification.report.damage.isEmpty && verification.verdict == .whole)

    let recheck = try history.recheck()
    #expect(recheck.findings.map(\.kind.rawValue) == story.findings)
    #expect(recheck.findingCount == story.findings.count)
    let report = try recheck.report() + [UInt8(ascii: "\n")]
    let files = disk.paths.map { ("ledger/\($0)", disk.bytes(of: $0)) } + [("report.json", report)]
    for (path, bytes) in files {
      let file = story.folder.appendingPathComponent(path)
      if regenerates {
        try FileManager.default.createDirectory(
          at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(try #require(bytes)).write(to: file)
      }
      #expect(try Array(Data(contentsOf: file)) == bytes, "\(path)")
    }
  }

  @Test("stands in its folder, and no other does")
  func folders() throws {
    for kind in ["golden", "damaged"] {
      let folder = RecheckStory.repository.appendingPathComponent("ledger/\(kind)").path
      let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        .filter { $0.hasPrefix("recheck-") }
      let stories = RecheckStory.all.filter { $0.findings.isEmpty == (kind == "golden") }
      #expect(names.sorted() == stories.map(\.name).sorted())
    }
  }
}
