import Bytes
import Dispatching
import Events

/// What the accounts of dispatches are made of: the state, the books, and who was told when.
struct AccountFold {
  private(set) var state = MemoryState()
  private var telling = Telling()
  private var books = Books()
  private let keepsAccounts: Bool

  /// - Parameter keepsAccounts: Whether ``account(of:by:)`` will be asked for.
  init(keepsAccounts: Bool = true) { self.keepsAccounts = keepsAccounts }

  /// Balances the books.
  ///
  /// - Returns: What doesn't balance.
  mutating func balance(_ event: Event) -> [String] { books.take(event) }

  mutating func apply(_ event: Event) {
    if keepsAccounts { telling.take(event, state) }
    state.apply(event)
  }

  mutating func apply(elsewhere event: Event, behind last: Event?, _ asked: Elsewhere) {
    state.apply(elsewhere: event, behind: last, asked)
  }

  /// A dispatch's books and what is known of its recipients, as of the last event.
  ///
  /// - Parameter horizon: How far the history reaches.
  func account(of id: EntityID, by horizon: Instant) -> DispatchAccount? {
    guard let dispatch = state.dispatch(id) else { return nil }
    let modifications = dispatch.modifications.enumerated().map { index, modification in
      let sums = books.sums(of: id, modification: index + 1)
      return ModificationAccount(
        number: index + 1, event: modification.event,
        kind: dispatch.noticeKind(of: index + 1) ?? .update,
        deadline: telling.deadline(of: id, modification: index + 1),
        recipients: sums?.recipients ?? 0, exclusions: sums?.exclusions ?? 0,
        told: state.notices(of: id, modification: index + 1)
          .map { telling.told($0, by: horizon, state) })
    }
    return DispatchAccount(
      id: id, programID: dispatch.request.programID, isTest: dispatch.request.isTest,
      start: dispatch.start, end: dispatch.end, modifications: modifications)
  }

  func attempts(of account: DispatchAccount) -> [Attempt] {
    account.modifications.flatMap { modification in
      modification.told.flatMap { told in
        state.attempts(
          of: NoticeKey(
            dispatchID: account.id, modification: modification.number, userID: told.userID))
      }
    }
  }
}
