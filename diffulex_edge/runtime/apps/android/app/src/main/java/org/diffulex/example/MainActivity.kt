package org.diffulex.example

import android.app.Activity
import android.os.Bundle
import android.widget.Button
import android.widget.EditText
import android.widget.LinearLayout
import android.widget.TextView
import java.io.File
import kotlin.concurrent.thread
import org.json.JSONObject

/** A prompt, a button and the answer as it is denoised. */
class MainActivity : Activity() {
    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val prompt = EditText(this)
        prompt.setText("<sudoku>")
        val answer = TextView(this)
        val button = Button(this)
        button.text = "Generate"
        button.setOnClickListener {
            button.isEnabled = false
            thread { write(prompt.text.toString(), answer, button) }
        }
        val column = LinearLayout(this)
        column.orientation = LinearLayout.VERTICAL
        for (view in listOf(prompt, button, answer)) column.addView(view)
        setContentView(column)
    }

    /** Generate on this thread, and show every step on the main one. */
    private fun write(prompt: String, answer: TextView, button: Button) {
        try {
            val folder = getExternalFilesDir(null)!! // where adb pushed the two files
            val words = Words(File(folder, "tokenizer.json"))
            val model = Diffusion(File(folder, "model.pte").path)
            val ids = words.encode(prompt)
            val show = { sequence: List<Long> ->
                val text = words.decode(sequence.drop(ids.size))
                runOnUiThread { answer.text = text }
            }
            show(ids + model.generate(ids, maxNew = 17, onStep = show))
        } catch (error: Exception) {
            runOnUiThread { answer.text = error.message }
        } finally {
            runOnUiThread { button.isEnabled = true }
        }
    }
}

/** The tokenizer of a model whose tokens are words, as the tiny one's. */
class Words(file: File) {
    private val vocabulary = mutableMapOf<String, Long>()
    private val tokens: Map<Long, String>

    init {
        val model = JSONObject(file.readText()).getJSONObject("model")
        require(model.getString("type") == "WordLevel") { "$file is no vocabulary of words" }
        val entries = model.getJSONObject("vocab")
        for (word in entries.keys()) vocabulary[word] = entries.getLong(word)
        tokens = vocabulary.entries.associate { (word, id) -> id to word }
    }

    /** Ids of a text whose words are all in the vocabulary. */
    fun encode(text: String): List<Long> =
        text.trim().split(Regex("\\s+")).map {
            requireNotNull(vocabulary[it]) { "'$it' is no word of this model" }
        }

    fun decode(ids: List<Long>): String = ids.joinToString(" ") { tokens[it] ?: "?" }
}
