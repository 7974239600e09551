/**
 * Documents to begin with.
 *
 * @module examples
 */

export const EXAMPLES = [
  {
    name: "Observe and learn",
    query: `mutation ($observations: [ObservationInput!]!) {
  observeSequence(processor: "p1", observations: $observations) {
    observed
    events
  }
  learn(processor: "p1") {
    modelName
    processor { status { models } }
  }
}`,
    variables: {
      observations: [{ strings: ["sun"] }, { strings: ["clouds"] }, { strings: ["rain"] }],
    },
  },
  {
    name: "What comes next?",
    query: `mutation {
  observe(processor: "p1", observation: {strings: ["sun"]}) {
    shortTermMemory
  }
  then: observe(processor: "p1", observation: {strings: ["clouds"], emotives: {joy: 0.2}}) {
    processor {
      forecast { event share models }
      predictions(limit: 3) { name potential missing future }
    }
  }
}`,
    variables: {},
  },
  {
    name: "All processors, with what they know",
    query: `query ($limit: Int!) {
  processors(limit: $limit) {
    total
    next
    nodes {
      id
      models
      events
      processor { genes { recallThreshold rankBy } models(limit: 3) { nodes { name sequence } } }
    }
  }
}`,
    variables: { limit: 10 },
  },
  {
    name: "Why is it predicted?",
    query: `{
  processor(id: "p1") {
    predictions(limit: 1) {
      name
      explanation {
        because
        blocks { modelStart stateStart symbols }
        metrics { name formula numbers value }
      }
    }
  }
}`,
    variables: {},
  },
  {
    name: "Listen to a processor",
    query: `subscription {
  events(processor: "p1") {
    __typename
    offset
    ... on ObservedEvent { observation { strings } shortTermMemory }
    ... on LearningEvent { change modelName }
    ... on PredictionsEvent { forecast { event share } }
  }
}`,
    variables: {},
  },
];
