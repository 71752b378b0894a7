package sluice;

import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.email.UAX29URLEmailTokenizer;
import org.apache.lucene.analysis.miscellaneous.RemoveDuplicatesTokenFilter;
import org.apache.lucene.analysis.pattern.PatternCaptureGroupTokenFilter;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.index.analysis.AbstractTokenFilterFactory;
import org.elasticsearch.index.analysis.TokenFilterFactory;
import org.elasticsearch.index.analysis.TokenizerFactory;
import org.elasticsearch.indices.analysis.AnalysisModule.AnalysisProvider;
import org.elasticsearch.plugins.AnalysisPlugin;
import org.elasticsearch.plugins.Plugin;

/** Adds the few filters of the analysis-common module that the security index refers to. */
public final class SecurityAnalysisPlugin extends Plugin implements AnalysisPlugin {
  @Override
  public Map<String, AnalysisProvider<TokenFilterFactory>> getTokenFilters() {
    return Map.of(
        "lowercase",
        (index, environment, name, settings) -> filter(name, settings, LowerCaseFilter::new),
        "unique",
        (index, environment, name, settings) ->
            filter(name, settings, RemoveDuplicatesTokenFilter::new),
        "pattern_capture",
        AnalysisPlugin.requiresAnalysisSettings(
            (index, environment, name, settings) -> patternCapture(name, settings)));
  }

  @Override
  public Map<String, AnalysisProvider<TokenizerFactory>> getTokenizers() {
    return Map.of(
        "uax_url_email",
        (index, environment, name, settings) ->
            TokenizerFactory.newFactory(name, UAX29URLEmailTokenizer::new));
  }

  private static TokenFilterFactory patternCapture(String name, Settings settings) {
    boolean preserveOriginal = settings.getAsBoolean("preserve_original", true);
    Pattern[] patterns =
        settings.getAsList("patterns").stream().map(Pattern::compile).toArray(Pattern[]::new);
    return filter(
        name,
        settings,
        tokens -> new PatternCaptureGroupTokenFilter(tokens, preserveOriginal, patterns));
  }

  private static TokenFilterFactory filter(
      String name, Settings settings, UnaryOperator<TokenStream> wrap) {
    return new AbstractTokenFilterFactory(name, settings) {
      @Override
      public TokenStream create(TokenStream tokens) {
        return wrap.apply(tokens);
      }
    };
  }
}
