package import Bytes
package import Events

/// What a command comes to: the events that it makes, or why it makes others.
package enum Decision: Equatable, Sendable {
  /// To be appended as they stand, in this order, from the context's `nextID` on.
  case accepted([EventDraft])
  case rejected(Rejection)

  /// What is to be appended, whichever it is.
  package var drafts: [EventDraft] {
    switch self {
    case .accepted(let drafts): drafts
    case .rejected(let rejection): rejection.drafts
    }
  }
}

/// A well-formed command that can't be done, with every rule that it breaks.
package struct Rejection: Equatable, Sendable {
  package enum Kind: Hashable, Sendable {
    case brokenRules
    /// The command is about a dispatch that doesn't exist: nothing of it is recorded.
    case notFound
  }

  package let kind: Kind
  /// At least one, in the order of the rules.
  package let reasons: [RejectionReason]
  /// `dispatch.rejected`; empty where no stream could hold it, and then the whole call is refused.
  package let drafts: [EventDraft]

  init(kind: Kind = .brokenRules, reasons: [RejectionReason], drafts: [EventDraft] = []) {
    invariant(!reasons.isEmpty, "a rejection without a reason")
    self.kind = kind
    self.reasons = reasons
    self.drafts = drafts
  }
}

/// Why no decision could be made: the world is wrong, not the command.
package enum DecisionError<StateFailure: Error>: Error {
  case state(StateFailure)
  /// The system's zone database doesn't know a zone that the ledger uses.
  case zoneUnavailable(ZoneName)
  /// No event of this id recorded an attempt.
  case unknownAttempt(EventID)
  /// An event refers to what no event defined.
  case undefined(Subject)
}

extension DecisionError: Equatable where StateFailure: Equatable {}

/// All that a decision takes from outside of the ledger; nothing else can change its outcome.
package struct DecisionContext {
  /// The number of the rules that this release decides by.
  package static let currentDecider = 1

  /// The time that the events will carry, so that whoever decides again finds the same.
  package var now: Instant
  /// The position that the first event will have.
  package var nextID: EventID
  /// The id that a request's dispatch gets.
  package var dispatchID: EntityID
  /// The rules of a zone, or `nil` where the system's database doesn't know it.
  package var zone: (ZoneName) -> ZoneRules?
  /// The release of that database.
  package var tzdata: String
  package var personalData: PersonalData
  /// What a durable event is about, or `nil` where there is none of that id.
  package var subject: (EventID) -> Subject? = { _ in nil }
  /// What a time in a field was taken to mean when the decision was made the first time.
  ///
  /// So that no zone database of today is asked where it is made again; `nil` the first time.
  package var recordedMeaning:
    ((_ time: TypedTime, _ field: String, _ zone: ZoneName) -> TypedTime.Meaning?)?

  package init(
    now: Instant, nextID: EventID, dispatchID: EntityID,
    zone: @escaping (ZoneName) -> ZoneRules?, tzdata: String, personalData: PersonalData
  ) {
    self.now = now
    self.nextID = nextID
    self.dispatchID = dispatchID
    self.zone = zone
    self.tzdata = tzdata
    self.personalData = personalData
  }
}

/// Seals and opens what names a person; the keys must be at hand before anything is decided.
package struct PersonalData {
  /// Seals a text under the user's key.
  package var seal: (_ text: String, _ user: EntityID, _ field: PersonalField) -> SealedText
  /// Whether the user's key is at hand; it may have been lost.
  package var hasKey: (_ user: EntityID) -> Bool
  /// Opens a sealed text; `nil` where the key is gone.
  package var open: (_ sealed: SealedText, _ user: EntityID, _ field: PersonalField) -> String?
  /// Seals what a provider said of nobody knows whom, under the ledger's key for orphans.
  package var sealOrphan: (_ text: String) -> SealedText

  package init(
    seal: @escaping (String, EntityID, PersonalField) -> SealedText,
    open: @escaping (SealedText, EntityID, PersonalField) -> String?,
    sealOrphan: @escaping (String) -> SealedText, hasKey: @escaping (EntityID) -> Bool
  ) {
    self.hasKey = hasKey
    self.seal = seal
    self.open = open
    self.sealOrphan = sealOrphan
  }
}

/// Which text of a user was sealed; its name is part of the associated data.
package enum PersonalField: Hashable, Sendable {
  case name
  case address(ChannelCode)
  /// What a provider said of an attempt.
  case resultDetail

  /// `name`, `contacts.sms` or `detail`.
  package var text: String {
    switch self {
    case .name: "name"
    case .address(let channel): "contacts.\(channel.text)"
    case .resultDetail: "detail"
    }
  }
}

/// Decides on one state at one time: commands, what is due, and what became of it.
package struct Decider<State: LedgerState> {
  package typealias Failure = DecisionError<State.Failure>

  let state: State
  package let context: DecisionContext

  package init(state: State, context: DecisionContext) {
    self.state = state
    self.context = context
  }

  /// Decides a command.
  package func decide(_ command: Command) throws(Failure) -> Decision {
    switch command {
    case .importCatalogue(let catalogue): try decide(catalogue)
    case .dispatch(let request): try decide(request)
    case .end(let change): try decideEnd(change)
    case .cancel(let change): try decideCancel(change)
    case .modify(let request): try decide(request)
    case .acknowledge(let request): try decide(request)
    case .opt(let request): try decide(request)
    case .enrollment(let request): try decide(request)
    case .erase(let request): try decide(request)
    case .retire(let request): try decide(request)
    case .settle(let request): try decide(request)
    case .correct(let request): try decide(request)
    case .result(let report): try decide(report)
    case .observe(let report): decide(report)
    case .placeHold(let request): try decide(request)
    case .releaseHold(let request): try decide(request)
    }
  }

  /// What `lookUp` finds in the state.
  func ask<Value>(
    _ lookUp: (State) throws(State.Failure) -> Value
  ) throws(Failure) -> Value {
    do { return try lookUp(state) } catch { throw .state(error) }
  }

  /// The event that says `payload`, decided by the current rules.
  func draft(
    _ payload: EventPayload, about dispatch: EntityID? = nil, causedBy causation: EventID? = nil
  ) -> EventDraft {
    EventDraft(
      payload, causation: causation, correlation: dispatch?.text,
      decider: DecisionContext.currentDecider)
  }
}
