"""The classes and calls that a model archive may name: what Rasa 3.6.21 and this package write.

Written out, and not asked of Rasa: the check must not import anything, and a list that can be read
is a list that can be judged. A test holds it against Rasa and `bot/components`.
"""

from __future__ import annotations

_RASA = """
    core.featurizers.precomputation.CoreFeaturizationCollector
    core.featurizers.precomputation.CoreFeaturizationInputConverter
    core.policies.ensemble.DefaultPolicyPredictionEnsemble
    core.policies.memoization.AugmentedMemoizationPolicy
    core.policies.memoization.MemoizationPolicy
    core.policies.rule_policy.RulePolicy
    core.policies.ted_policy.TEDPolicy
    core.policies.unexpected_intent_policy.UnexpecTEDIntentPolicy
    graph_components.converters.nlu_message_converter.NLUMessageConverter
    graph_components.providers.domain_for_core_training_provider.DomainForCoreTrainingProvider
    graph_components.providers.domain_provider.DomainProvider
    graph_components.providers.forms_provider.FormsProvider
    graph_components.providers.nlu_training_data_provider.NLUTrainingDataProvider
    graph_components.providers.responses_provider.ResponsesProvider
    graph_components.providers.rule_only_provider.RuleOnlyDataProvider
    graph_components.providers.story_graph_provider.StoryGraphProvider
    graph_components.providers.training_tracker_provider.TrainingTrackerProvider
    graph_components.validators.default_recipe_validator.DefaultV1RecipeValidator
    graph_components.validators.finetuning_validator.FinetuningValidator
    nlu.classifiers.diet_classifier.DIETClassifier
    nlu.classifiers.fallback_classifier.FallbackClassifier
    nlu.classifiers.keyword_intent_classifier.KeywordIntentClassifier
    nlu.classifiers.logistic_regression_classifier.LogisticRegressionClassifier
    nlu.classifiers.mitie_intent_classifier.MitieIntentClassifier
    nlu.classifiers.regex_message_handler.RegexMessageHandler
    nlu.classifiers.sklearn_intent_classifier.SklearnIntentClassifier
    nlu.extractors.crf_entity_extractor.CRFEntityExtractor
    nlu.extractors.duckling_entity_extractor.DucklingEntityExtractor
    nlu.extractors.entity_synonyms.EntitySynonymMapper
    nlu.extractors.mitie_entity_extractor.MitieEntityExtractor
    nlu.extractors.regex_entity_extractor.RegexEntityExtractor
    nlu.extractors.spacy_entity_extractor.SpacyEntityExtractor
    nlu.featurizers.dense_featurizer.convert_featurizer.ConveRTFeaturizer
    nlu.featurizers.dense_featurizer.lm_featurizer.LanguageModelFeaturizer
    nlu.featurizers.dense_featurizer.mitie_featurizer.MitieFeaturizer
    nlu.featurizers.dense_featurizer.spacy_featurizer.SpacyFeaturizer
    nlu.featurizers.sparse_featurizer.count_vectors_featurizer.CountVectorsFeaturizer
    nlu.featurizers.sparse_featurizer.lexical_syntactic_featurizer.LexicalSyntacticFeaturizer
    nlu.featurizers.sparse_featurizer.regex_featurizer.RegexFeaturizer
    nlu.selectors.response_selector.ResponseSelector
    nlu.tokenizers.jieba_tokenizer.JiebaTokenizer
    nlu.tokenizers.mitie_tokenizer.MitieTokenizer
    nlu.tokenizers.spacy_tokenizer.SpacyTokenizer
    nlu.tokenizers.whitespace_tokenizer.WhitespaceTokenizer
    nlu.utils.mitie_utils.MitieNLP
    nlu.utils.spacy_utils.SpacyNLP
"""
_OURS = """
    action_failure_policy.ActionFailurePolicy
    attribute_policy.AttributePolicy
    classifier.JointClassifier
    featurizer.JointFeaturizer
    response_ranker.ResponseRanker
    spelling.SpellingCorrector
    story_policy.StoryPolicy
    tokenizer.VocabularyTokenizer
    values.ValueFinder
    vocabulary.VocabularyMatcher
"""
_METHODS = """
    collect combine_predictions_from_kwargs convert_for_inference convert_for_training
    convert_user_message predict_action_probabilities process process_training_data provide
    provide_inference provide_train train validate
"""
KNOWN = frozenset(f"rasa.{name}" for name in _RASA.split()) | frozenset(
    f"bot.components.{name}" for name in _OURS.split()
)
CONSTRUCTORS = frozenset({"create", "load"})
METHODS = frozenset(_METHODS.split())
