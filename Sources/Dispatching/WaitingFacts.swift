package import Bytes
package import Events

/// Templates, rules, signals and what waits for them, held in memory.
struct WaitingFacts: Sendable {
  private(set) var templates: [EntityID: Defined<TemplatePublished>] = [:]
  private(set) var rules: [EntityID: StandingRule] = [:]
  /// Which rule a `rule.published` is a version of.
  private var versions: [EventID: EntityID] = [:]
  private(set) var firings: [EntityID: [Firing]] = [:]
  private(set) var schedules: [EntityID: Schedule] = [:]
  /// Dispatches that still wait, in the order of the log.
  private(set) var waiting: [EntityID] = []
  /// In the order in which they begin to count, then by event.
  private(set) var observations: [EntityID: [Observation]] = [:]

  /// Takes in an event of a type that means something here; any other changes nothing.
  mutating func take(_ event: Event) {
    switch event.payload {
    case .dispatchScheduled(let scheduled): schedule(scheduled, by: event)
    case .dispatchTriggered(let trigger):
      fire(trigger.dispatchID, trigger.rule, for: trigger.nominal, by: event, didFire: true)
    case .dispatchMissed(let miss):
      fire(miss.dispatchID, miss.rule, for: miss.nominal, by: event, didFire: false)
    case .templatePublished(let template):
      templates[template.id] = Defined(version: event.id, definition: template)
    case .templateWithdrawn(let withdrawn): templates[withdrawn.id]?.retired = event.id
    case .rulePublished(let rule): publish(rule, by: event)
    case .ruleWithdrawn(let withdrawn): rules[withdrawn.id]?.withdrawn = event.id
    case .signalObserved(let observed): observe(observed, by: event)
    default: break
    }
  }

  private mutating func publish(_ rule: RulePublished, by event: Event) {
    rules[rule.id] = StandingRule(version: event.id, publishedAt: event.time, rule: rule)
    versions[event.id] = rule.id
  }

  private mutating func schedule(_ scheduled: DispatchScheduled, by event: Event) {
    let id = scheduled.dispatchID
    guard schedules[id] == nil else { return }
    schedules[id] = Schedule(event: event.id, recordedAt: event.time, scheduled: scheduled)
    waiting.append(id)
  }

  private mutating func fire(
    _ dispatch: EntityID, _ version: EventID?, for nominal: Instant, by event: Event, didFire: Bool
  ) {
    if let version, let rule = versions[version] {
      firings[rule, default: []].append(
        Firing(
          event: event.id, version: version, nominal: nominal, dispatchID: dispatch,
          didFire: didFire))
    }
    guard let schedule = schedules[dispatch], schedule.fate == nil else { return }
    schedules[dispatch]?.fate = Schedule.Fate(
      event: event.id, recordedAt: event.time, didFire: didFire)
    waiting.removeAll { $0 == dispatch }
  }

  /// Forgets what a dispatch waits or waited for.
  mutating func forgetSchedule(of dispatch: EntityID) {
    schedules[dispatch] = nil
    waiting.removeAll { $0 == dispatch }
  }

  private mutating func observe(_ observed: SignalObserved, by event: Event) {
    let new = Observation(
      event: event.id, recordedAt: event.time, at: observed.at, value: observed.value,
      unit: observed.unit)
    var list = observations[observed.name] ?? []
    observations[observed.name] = nil
    // Nearly always the last place.
    let place =
      (list.lastIndex { ($0.countsFrom, $0.event) < (new.countsFrom, new.event) } ?? -1) + 1
    list.insert(new, at: place)
    observations[observed.name] = list
  }
}

extension MemoryState {
  package func template(_ id: EntityID) -> Defined<TemplatePublished>? { waits.templates[id] }

  package func templates() -> [Defined<TemplatePublished>] {
    waits.templates.values.sorted { $0.definition.id < $1.definition.id }
  }

  package func rule(_ id: EntityID) -> StandingRule? { waits.rules[id] }

  package func rules() -> [StandingRule] {
    waits.rules.values.sorted { $0.rule.id < $1.rule.id }
  }

  package func firings(of rule: EntityID) -> [Firing] { waits.firings[rule] ?? [] }

  package func schedule(of dispatch: EntityID) -> Schedule? { waits.schedules[dispatch] }

  package func waitingSchedules() -> [Schedule] { waits.waiting.compactMap { waits.schedules[$0] } }

  package func observations(
    of signal: EntityID, from time: Instant, limit: Int
  ) -> [Observation] {
    let list = waits.observations[signal] ?? []
    let counting = list.prefix { $0.countsFrom <= time }
    let latest = counting.max { ($0.at, $0.event) < ($1.at, $1.event) }
    return (latest.map { [$0] } ?? []) + list.dropFirst(counting.count).suffix(limit)
  }
}
