package import Bytes
package import Dispatching
package import Events

/// What whole streams of dispatches come to: how each notice stands, and what proves it.
///
/// It is fed with all events of some dispatches, and of all programs, in the order of the log.
/// Other dispatches change nothing of these, so a long log can be taken in part by part.
package struct DispatchHistory {
  package private(set) var state = MemoryState()
  private var telling = Telling()
  private var books = Books()

  package init() {}

  package mutating func take(_ event: Event) {
    _ = books.take(event)
    telling.take(event, state)
    state.apply(event)
  }

  /// The deadline of a modification's notices, where they have one.
  package func deadline(of dispatch: EntityID, modification: Int) -> Instant? {
    telling.deadline(of: dispatch, modification: modification)
  }

  /// How many users a modification's resolution holds; `nil` where it has none.
  package func sums(
    of dispatch: EntityID, modification: Int
  ) -> (recipients: Int, exclusions: Int)? {
    books.sums(of: dispatch, modification: modification)
  }

  /// What is known of a notice's user.
  ///
  /// - Parameter horizon: How far the history reaches.
  package func told(_ notice: Notice, by horizon: Instant) -> Told {
    telling.told(notice, by: horizon, state)
  }
}
