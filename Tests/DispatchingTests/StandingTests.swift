import Events
import Testing
import Dispatching

@Suite("What results come to")
struct AttemptStandingTests {
  @Test("Weaker evidence that comes later never lowers a stronger one")
  func evidenceOnlyRises() {
    for first in EvidenceStrength.allCases {
      for second in EvidenceStrength.allCases {
        var standing = AttemptStanding()
        standing.report(.accepted, evidence: first)
        standing.report(.inTransit, evidence: second)
        #expect(standing.evidence == max(first, second))
        #expect(standing.fate == .reported(.inTransit))
      }
    }
  }

  @Test("A message that was delivered stays so when an older 'sent' comes in")
  func deliveredThenSent() {
    var standing = AttemptStanding()
    standing.report(.delivered, evidence: .confirmedByCarrier)
    standing.report(.inTransit, evidence: .handedOver)
    #expect(
      standing == AttemptStanding(fate: .reported(.delivered), evidence: .confirmedByCarrier))
  }

  @Test("Of two results that contradict each other the stronger stands, and the first of equals")
  func contradictions() {
    let finals: [OutcomeClass] = [.delivered, .undelivered, .failed, .expired, .cancelled]
    for (first, second) in finals.flatMap({ one in finals.map { (one, $0) } }) {
      for firstEvidence in EvidenceStrength.allCases {
        for secondEvidence in EvidenceStrength.allCases {
          var standing = AttemptStanding()
          standing.report(first, evidence: firstEvidence)
          standing.report(second, evidence: secondEvidence)
          #expect(standing.isContradicted == ((first == .delivered) != (second == .delivered)))
          #expect(standing.fate == .reported(secondEvidence > firstEvidence ? second : first))
          #expect(standing.evidence == max(firstEvidence, secondEvidence))
        }
      }
    }
  }

  @Test("The same result twice changes nothing")
  func repeated() {
    for outcome in OutcomeClass.allCases {
      for evidence in EvidenceStrength.allCases {
        var once = AttemptStanding()
        once.report(outcome, evidence: evidence)
        var twice = once
        twice.report(outcome, evidence: evidence)
        #expect(once == twice)
      }
    }
  }

  @Test("What nobody knows gives way to any result, and a result never to it")
  func unknownGivesWay() {
    for outcome in OutcomeClass.allCases {
      var lost = AttemptStanding()
      lost.lose()
      #expect(lost.fate == .unknown)
      lost.report(outcome, evidence: .none)
      #expect(lost.fate == .reported(outcome))
      lost.lose()
      for decision in Settlement.allCases { lost.settle(decision) }
      #expect(lost.fate == .reported(outcome))
    }
  }

  @Test("A settlement stands until a result says more")
  func settled() {
    for decision in Settlement.allCases {
      var standing = AttemptStanding()
      standing.lose()
      standing.settle(decision)
      #expect(standing.fate == .settled(decision))
      standing.report(.failed, evidence: .none)
      #expect(standing.isContradicted == (decision == .delivered))
      #expect(
        standing.fate == (decision == .delivered ? .settled(.delivered) : .reported(.failed)))
    }
  }

  @Test("Every fate has its own word, which names it again")
  func words() {
    #expect(Set(AttemptFate.all.map(\.rawValue)).count == AttemptFate.all.count)
    for fate in AttemptFate.all { #expect(AttemptFate(rawValue: fate.rawValue) == fate) }
    #expect(AttemptFate(rawValue: "settled-never") == nil)
    #expect(AttemptFate(rawValue: "") == nil)
  }
}

@Suite("How a notice moves")
struct NoticeStandingTests {
  let channels: [ChannelCode] = [.sms, .email]

  func attempted() -> NoticeStanding {
    var standing = NoticeStanding(channel: .sms, dueAt: .minute(1))
    standing.attempt(5, on: .sms)
    return standing
  }

  @Test("An attempt takes the notice off what is due")
  func attempt() {
    #expect(
      attempted()
        == NoticeStanding(state: .attempted, channel: .sms, attempts: 1, lastAttempt: 5))
  }

  @Test("A failure goes on to the next channel, and behind the last one the notice has failed")
  func failOver() {
    var standing = attempted()
    standing.follow(
      .reported(.failed), on: .sms, of: channels, mayRetry: false, at: .minute(2))
    #expect(standing.state == .pending)
    #expect(standing.channel == .email)
    #expect(standing.dueAt == .minute(2))
    standing.attempt(6, on: .email)
    standing.follow(
      .reported(.undelivered), on: .email, of: channels, mayRetry: false, at: .minute(3))
    #expect(standing.state == .failed)
    #expect(standing.dueAt == nil)
  }

  @Test("A failure that may pass stays on its channel")
  func retry() {
    var standing = attempted()
    standing.follow(.reported(.failed), on: .sms, of: channels, mayRetry: true, at: .minute(2))
    #expect(standing.state == .pending)
    #expect(standing.channel == .sms)
    #expect(standing.dueAt == .minute(2))
  }

  @Test("An unknown outcome waits, and is due again only when it is settled so")
  func unknown() {
    for decision in Settlement.allCases {
      var standing = attempted()
      standing.follow(.unknown, on: .sms, of: channels, mayRetry: false, at: .minute(2))
      #expect(standing.state == .unknown)
      #expect(standing.dueAt == nil)
      standing.follow(.settled(decision), on: .sms, of: channels, mayRetry: false, at: .minute(3))
      switch decision {
      case .resend:
        #expect(standing.state == .pending)
        #expect(standing.channel == .sms)
        #expect(standing.dueAt == .minute(3))
      case .delivered:
        #expect(standing.state == .notified)
        #expect(standing.dueAt == nil)
      case .abandon:
        #expect(standing.state == .pending)
        #expect(standing.channel == .email)
      }
    }
  }

  @Test("A notice suppressed on one channel goes on to the next, and is suppressed behind the last")
  func suppressedByChannel() {
    var standing = NoticeStanding(channel: .sms, dueAt: .minute(1))
    standing.suppress(.optedOut, on: .email, of: channels)
    #expect(standing.channel == .sms)
    standing.suppress(.optedOut, on: .sms, of: channels)
    #expect(standing.state == .pending)
    #expect(standing.channel == .email)
    #expect(standing.dueAt == .minute(1))
    standing.suppress(.quietHours, on: .email, of: channels)
    #expect(standing.state == .suppressed)
    #expect(standing.reason == .quietHours)
    #expect(standing.dueAt == nil)
  }

  @Test("Who was told stays told, whatever is put off or suppressed later")
  func toldStaysTold() {
    var standing = attempted()
    standing.follow(
      .reported(.accepted), on: .sms, of: channels, mayRetry: false, at: .minute(2))
    let told = standing
    standing.suppress(.superseded, on: nil, of: channels)
    standing.defer(until: .minute(9), on: .sms)
    #expect(standing == told)
    standing.attempt(6, on: .email)
    #expect(standing.state == .notified)
  }

  @Test("An answer tells that its user knows, but what is still to be sent is for a decision")
  func acknowledgement() {
    for state in NoticeState.allCases {
      var standing = NoticeStanding(state: state)
      standing.acknowledge(.answered)
      standing.acknowledge(.acknowledged)
      #expect(standing.evidence == .answered)
      switch state {
      case .pending, .suppressed: #expect(standing.state == state)
      case .attempted, .notified, .failed, .unknown: #expect(standing.state == .notified)
      }
    }
  }

  @Test("Nothing is sent again to a user who has answered")
  func answeredNeedsNothing() {
    for fate in AttemptFate.all {
      var standing = attempted()
      standing.acknowledge(.acknowledged)
      standing.follow(fate, on: .sms, of: channels, mayRetry: true, at: .minute(2))
      #expect(standing.state == .notified)
      #expect(standing.dueAt == nil)
    }
  }

  @Test("Only a pending notice is ever due")
  func dueOnlyWhilePending() {
    for fate in AttemptFate.all {
      for mayRetry in [true, false] {
        var standing = attempted()
        standing.follow(fate, on: .sms, of: channels, mayRetry: mayRetry, at: .minute(2))
        #expect((standing.dueAt != nil) == (standing.state == .pending))
        standing.suppress(.dispatchCancelled, on: nil, of: channels)
        #expect(standing.dueAt == nil)
        #expect((standing.reason != nil) == (standing.state == .suppressed))
      }
    }
  }
}
