package android.widget

import android.content.Context
import android.view.View

open class TextView(context: Context) : View() {
    var text: CharSequence? = null
}

open class EditText(context: Context) : TextView(context) {
    fun setText(text: String) {}
}

open class Button(context: Context) : TextView(context)

open class LinearLayout(context: Context) : View() {
    var orientation = 0
    fun addView(view: View) {}

    companion object {
        const val VERTICAL = 1
    }
}
